"""Compares AutoML systems over many tables: losses, ranks, wins, regret, time, memory, speed and failures."""

from collections.abc import Mapping
from statistics import mean, median
from typing import Any

from scipy.stats import rankdata

OURS = "tamis"
SAME = 1e-3
"""Losses that differ by a smaller share count as equal: no user could tell them apart."""

Losses = dict[str, dict[str, float | None]]


def losses_of(results: Mapping[str, Any]) -> Losses:
    """Return the loss of every system on every set: 1 - AUC, log loss or RMSE; None where it failed."""

    def loss(record: Mapping[str, Any]) -> float | None:
        if record.get("error") or record.get("score") is None:
            return None
        return 1 - record["score"] if record["metric"] == "roc_auc" else float(record["score"])

    return {name: {system: loss(one) for system, one in row.items()} for name, row in results["sets"].items()}


def ranks(row: Mapping[str, float | None]) -> dict[str, float]:
    """Rank the systems on a set, the best first; failures share the last ranks.

    Examples
    --------
    >>> ranks({"a": 0.2, "b": None, "c": 0.1})
    {'a': 2.0, 'b': 3.0, 'c': 1.0}
    """
    worst = max((one for one in row.values() if one is not None), default=0.0)
    found = rankdata([worst * 2 + 1 if one is None else one for one in row.values()])
    return dict(zip(row, map(float, found), strict=True))


def regrets(row: Mapping[str, float | None]) -> dict[str, float]:
    """Return where each loss lies between the best (0) and the worst (1) on a set; failures count as the worst."""
    known = [one for one in row.values() if one is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    spread = high - low or 1.0
    return {name: 1.0 if one is None else (one - low) / spread for name, one in row.items()}


def wins(losses: Losses, other: str, ours: str = OURS) -> tuple[int, int, int]:
    """Count on how many sets Tamis is ahead of another system, level with it, and behind; failures are not counted.

    Examples
    --------
    >>> wins({"x": {"tamis": 0.1, "flaml": 0.2}, "y": {"tamis": 0.1, "flaml": None}}, "flaml")
    (1, 0, 0)
    """
    pairs = [(row.get(ours), row.get(other)) for row in losses.values() if other in row]
    known = [(mine, its) for mine, its in pairs if mine is not None and its is not None]
    level = sum(abs(mine - its) <= SAME * its for mine, its in known)
    ahead = sum(mine < its - SAME * its for mine, its in known)
    return ahead, level, len(known) - ahead - level


def comparison(results: Mapping[str, Any]) -> str:
    """Write the comparison for people."""
    losses = losses_of(results)
    systems = list(dict.fromkeys(system for row in results["sets"].values() for system in row))
    ways = [one for one in systems if one.startswith(f"{OURS}:")]
    rivals = [one for one in systems if one not in ways]
    whole = {name: row for name, row in losses.items() if all(system in row for system in systems)}
    every = [(system, one) for row in results["sets"].values() for system, one in row.items()]
    versions = {system: one["version"] for system, one in every if one.get("version")}
    dates = sorted(one["date"] for _, one in every)
    days = dict.fromkeys([dates[0], dates[-1]])
    lines = [
        f"# AutoML systems side by side, {results['limit_s']:g} s\n",
        *(f"{note}\n" for note in results.get("notes", ())),
        f"{every[0][1]['cores']} cores, {every[0][1]['memory_gb']} GB, {' to '.join(days)};",
        f"versions: {', '.join(f'{name} {version}' for name, version in versions.items())}.",
        "Losses on test rows (1 - AUC, log loss, RMSE; lower is better), the best of each set in bold. Every system",
        "optimises the metric that is scored. A system that failed is shown as failed and shares the last ranks.\n",
        f"| set | {' | '.join(systems)} |",
        f"|---|{'--:|' * len(systems)}",
    ]
    for name, row in losses.items():
        best = min((one for one in row.values() if one is not None), default=None)
        lines.append(f"| {name} | {' | '.join(_cell(row, system, best) for system in systems)} |")
    lines += [
        "",
        f"Ranks and regrets are over the {len(whole)} sets on which all ran; `ahead` counts the sets on which Tamis is",
        f"ahead of a system, level with it (within {SAME:.1%}) and behind, where both have a model. Times, memory and",
        "sizes are medians over sets.\n",
        "| system | mean rank | regret | ahead-level-behind | failed | fit / limit | longest | peak MB | rows/s | "
        "one row ms | model MB |",
        "|---|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    order = {system: mean([_place(row, system, rivals) for row in whole.values()] or [0.0]) for system in systems}
    for system in sorted(rivals, key=lambda one: order[one]):
        lines.append(_row(system, order[system], results, whole, losses))
    if ways:
        others = [one for one in rivals if one != "baseline"]
        lines += [
            "",
            "Other ways of Tamis: their mean rank in its place, and ahead-level-behind against each system.\n",
            f"| way | mean rank | {' | '.join(others)} |",
            f"|---|--:|{'---|' * len(others)}",
        ]
        for way in ways:
            counted = (wins(losses, other, way) for other in others)
            lines.append(f"| {way} | {order[way]:.2f} | {' | '.join('-'.join(map(str, one)) for one in counted)} |")
    failed = [
        f"- {name}, {system}: {one['error'][:160]}"
        for name, row in results["sets"].items()
        for system, one in row.items()
        if one.get("error")
    ]
    return "\n".join([*lines, *(["", "Failures:", *failed] if failed else [])]) + "\n"


def beside(results: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Write how Tamis within these seconds stands against the systems within others, where both ran on a set."""
    mine, theirs = losses_of(results), losses_of(other)
    pairs = {name: {**theirs[name], OURS: row[OURS]} for name, row in mine.items() if OURS in row and name in theirs}
    rivals = dict.fromkeys(system for row in pairs.values() for system in row if not system.startswith(OURS))
    lines = [
        f"\nTamis at {results['limit_s']:g} s against the others at {other['limit_s']:g} s, over {len(pairs)} sets:\n",
        "| system | ahead-level-behind |",
        "|---|---|",
        *(f"| {rival} | {'-'.join(map(str, wins(pairs, rival)))} |" for rival in rivals),
    ]
    return "\n".join(lines) + "\n"


def _place(row: Mapping[str, float | None], system: str, rivals: list[str]) -> float:
    """Return the rank of a system among its rivals; another way of Tamis stands in the place of Tamis."""
    beside = [one for one in rivals if one != OURS or not system.startswith(OURS)]
    return ranks({one: row[one] for one in dict.fromkeys([*beside, system])})[system]


def _cell(row: Mapping[str, float | None], system: str, best: float | None) -> str:
    if system not in row:
        return ""
    loss = row[system]
    if loss is None:
        return "failed"
    return f"**{loss:.5g}**" if loss == best else f"{loss:.5g}"


def _row(system: str, rank: float, results: Mapping[str, Any], whole: Losses, losses: Losses) -> str:
    """Write the line of a system."""
    mine = [row[system] for row in results["sets"].values() if system in row]
    done = [one for one in mine if not one.get("error")]

    def middle(name: str, factor: float = 1.0) -> str:
        found = [one[name] * factor for one in done if one.get(name) is not None]
        return f"{median(found):,.3g}" if found and median(found) < 100 else f"{median(found):,.0f}" if found else ""

    shares = [one["fit_s"] / results["limit_s"] for one in done]
    regret = mean([regrets(row)[system] for row in whole.values()] or [0.0])
    ahead = "" if system == OURS else "-".join(map(str, wins(losses, system)))
    return (
        f"| {system} | {rank:.2f} | {regret:.3f} | {ahead} | {len(mine) - len(done)} | "
        f"{median(shares) if shares else 0:.2f} | {max(shares, default=0):.2f} | {middle('peak_mb')} | "
        f"{middle('rows_per_s')} | {middle('one_row_s', 1000)} | {middle('model_mb')} |"
    )
