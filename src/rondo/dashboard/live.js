// Takes a fresh copy of the page's content whenever the server says that something changed.
// Without this script every page works all the same; it is then as old as its last load.
"use strict";

const light = document.getElementById("live");

let mark = light ? light.dataset.mark : ""; // of the changes that this page shows already
let wanted = mark;

async function refresh() {
  const held = document.activeElement;
  if (held && held.matches("main input, main textarea") && held.value) return; // nobody loses what he types
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const main = fresh.querySelector("main");
  const state = fresh.getElementById("live");
  if (!main || !state) return;
  const opened = new Set([...document.querySelectorAll("main details[open]")].map((one) => one.id));
  document.querySelector("main").replaceWith(main);
  for (const one of document.querySelectorAll("main details")) one.open ||= opened.has(one.id);
  mark = state.dataset.mark;
}

function show(connected) {
  light.classList.toggle("on", connected);
  light.textContent = connected ? light.dataset.on : light.dataset.off;
}

if (light) {
  const source = new EventSource("/live");
  source.addEventListener("change", (event) => {
    wanted = event.data;
    if (wanted !== mark) refresh();
  });
  source.onopen = () => show(true);
  source.onerror = () => show(false);
  // What came while somebody was typing is shown when he has done.
  document.addEventListener("focusout", () => {
    if (wanted !== mark) refresh();
  });
}
