"""What the sections of the project file say about each other: everything at once, errors and warnings.

success.py     metrics, criteria, gates
columns.py     target, entity, time, features, joins
ranking.py     items, candidates, whole lists
forecast.py    sums of later rows, seasons
experiments.py what an A/B test compares, by how much, between how many
operation.py   rollout, experiment, monitoring, retraining, schedule, script stages, candidates
safety.py      secrets and paths
files.py       files that are named and not there
_finding.py    what a check says
"""

from __future__ import annotations

from collections.abc import Collection

from rondo.contract.checks import columns, experiments, forecast, operation, ranking, safety, success
from rondo.contract.checks._finding import Finding, Rule
from rondo.contract.checks.files import missing_files
from rondo.contract.loading import LoadedProject
from rondo.contract.yaml_nodes import line_number
from rondo.errors import ContractError

__all__ = ["RULES", "Finding", "check", "missing_files", "require_sound"]

RULES: tuple[Rule, ...] = (
    success.success_metric_fits,
    success.offline_metrics_fit,
    success.criteria_hold_together,
    success.some_gate_exists,
    success.gaps_are_named,
    success.system_metrics_have_their_units,
    success.constraints_point_the_right_way,
    columns.target_stays_out,
    columns.entity_and_time_differ,
    columns.what_looks_back_has_time,
    columns.split_by_time_has_a_time,
    columns.freshness_has_a_clock,
    columns.labels_and_snapshots_meet,
    columns.target_is_in_the_schema,
    columns.features_form_no_circle,
    columns.names_are_near_known_ones,
    columns.listed_names_are_near_known_ones,
    columns.joins_name_sources,
    columns.names_differ_beyond_case,
    columns.some_feature_exists,
    columns.required_groups_exist,
    ranking.a_ranking_says_what_is_ranked,
    ranking.a_ranking_is_learned_from_whole_lists,
    ranking.only_a_ranking_has_items,
    forecast.labels_fit_the_problem,
    forecast.forecasts_know_their_season,
    forecast.forecasts_are_split_by_time,
    operation.canary_climbs_to_all,
    operation.rollback_watches_known_figures,
    operation.what_is_watched_after_a_promotion_has_limits,
    operation.experiment_compares_two_things,
    *experiments.RULES,
    operation.monitoring_watches_known_figures,
    operation.retraining_can_start,
    operation.schedule_fires,
    operation.stages_follow_each_other,
    operation.candidates_have_names_of_their_own,
    safety.secrets_are_references,
    safety.written_paths_stay_inside,
    safety.read_paths_are_portable,
)


def check(loaded: LoadedProject) -> tuple[Finding, ...]:
    """Everything that the rules find, in the order of the lines; files that are not there are warnings."""
    found = [finding for rule in RULES for finding in rule(loaded)]
    found += [Finding("warning", problem) for problem in missing_files(loaded)]
    return tuple(sorted(found, key=lambda finding: line_number(finding.problem.where)))


def require_sound(loaded: LoadedProject, made: Collection[str] = ()) -> None:
    """Nothing, where a run may start.

    Args:
        made: paths that the run itself makes, see `missing_files`.

    Raises:
        ContractError: with every error of the rules and every file that is not there.
    """
    problems = [f.problem for rule in RULES for f in rule(loaded) if f.level == "error"]
    problems += missing_files(loaded, made)
    if problems:
        problems.sort(key=lambda problem: line_number(problem.where))
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ContractError(f"{loaded.path}: {count}", problems=problems)
