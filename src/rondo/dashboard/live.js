// Brings the page's content up to date whenever the server says that something changed.
// Without this script every page works all the same; it is then as old as its last load, and says when that was.
"use strict";

const light = document.getElementById("live");

let mark = light ? light.dataset.mark : ""; // of the changes that this page shows already
let wanted = mark;
let asked = 0; // how often a fresh copy was asked for
let composing = false; // letters of Korean are put together: whoever takes the field away now breaks them

const fields = () => [...document.querySelectorAll("main input:not([type=hidden])")];

// A field by what it is for: its form's address, what the form is about, and its name.
function place(field) {
  const about = [...field.form.querySelectorAll("input[type=hidden]:not([name=secret])")].map((one) => one.value);
  return [field.form.getAttribute("action"), ...about, field.name].join("|");
}

// Makes `old` like `fresh` and leaves alone what is alike: focus, scroll and typed words stay where they are.
function bring(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  const alike = old.nodeName === fresh.nodeName && old.childNodes.length === fresh.childNodes.length;
  if (!alike || !fresh.childNodes.length) return old.replaceWith(fresh);
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) old.setAttribute(name, value);
  const within = [...fresh.childNodes];
  [...old.childNodes].forEach((one, at) => bring(one, within[at]));
}

async function refresh() {
  const mine = ++asked;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
  const fresh = new DOMParser().parseFromString(answer?.ok ? await answer.text() : "", "text/html");
  if (mine !== asked) return; // a newer copy is on its way, or here
  const main = fresh.querySelector("main");
  const state = fresh.getElementById("live");
  show(Boolean(main && state)); // no other page, such as the one that asks for a token, takes the place of this one
  if (!main || !state || composing) return;
  const held = document.activeElement;
  const at = held && held.matches("main input") ? place(held) : "";
  const typed = new Map(fields().filter((one) => one.value).map((one) => [place(one), one.value]));
  const closed = new Map([...document.querySelectorAll("main details[id]")].map((one) => [one.id, one.open]));
  const moved = [...document.querySelectorAll("main .scroll")].map((one) => one.scrollLeft);
  for (const one of main.querySelectorAll("details[id]")) one.open = closed.get(one.id) ?? one.open;
  bring(document.querySelector("main"), main);
  for (const one of fields()) if (!one.value && typed.has(place(one))) one.value = typed.get(place(one));
  if (at && !held.isConnected) fields().find((one) => place(one) === at)?.focus({ preventScroll: true });
  document.querySelectorAll("main .scroll").forEach((one, place) => (one.scrollLeft = moved[place] ?? 0));
  document.title = fresh.title;
  mark = state.dataset.mark;
}

function show(connected) {
  light.classList.toggle("off", !connected);
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
  document.addEventListener("compositionstart", () => (composing = true));
  document.addEventListener("compositionend", () => {
    composing = false;
    if (wanted !== mark) refresh();
  });
}
