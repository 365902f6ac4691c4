"""The assets: file, responses, weights and estimates of each wave; then comparisons, claims and the release.

Belongs here: calling one library function per asset, storing its frame, and the checks that block a wrong
number from being published.
Not here: anything computed, any path (resources), when assets run (automation).
"""

import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from engagement_stats import (
    additive,
    claim,
    clean,
    codebook,
    compare,
    corrections,
    differencing,
    disclose,
    expectations,
    implied,
    ingest,
    labelled,
    league,
    lookups,
    omissions,
    overlap,
    phrase,
    places,
    plot,
    publish,
    quarantine,
    releases,
    tabulate,
    trend,
    wave_weights,
    weight,
    workbook,
)
from engagement_stats.catalogue import KEY
from engagement_stats.catalogue import model as m
from engagement_stats.errors import EngagementStatsError, PublishError, listed
from engagement_stats.status import WaveStatus
from engagement_stats.store import RELEASE, Fingerprint, Store, code_digest
from pipelines.resources import WorkspaceResource

microdata_waves = dg.DynamicPartitionsDefinition(name="microdata_waves")
tables_waves = dg.DynamicPartitionsDefinition(name="tables_waves")
# Estimates as they would stand were none withheld for what an earlier release tells beside them.
SIGNED_OFF = "estimates_signed_off"


@contextmanager
def _errors_of(workspace: WorkspaceResource, wave: WaveStatus | None) -> Iterator[None]:
    """Turn an error into a failure without a traceback or a respondent's values, and note it for `status`."""
    try:
        yield
    except EngagementStatsError as error:
        message = str(error)
    except dg.Failure:
        raise
    except Exception as error:  # libraries quote cell values in their messages, so only kind and place are shown
        where = wave.wave if wave else "release"
        message = f"{where}: unexpected {type(error).__name__} at {_place(error)}. Please report it."
    else:
        return
    if wave is not None:
        workspace.store.fail(wave.wave, wave.fingerprint, message)
    else:
        workspace.store.fail(RELEASE, None, message)
    raise dg.Failure(message, allow_retries=False) from None


def _guarded(asset: Callable[..., dg.MaterializeResult]) -> Callable[..., dg.MaterializeResult]:
    """Let no other error of an asset reach Dagster's records, such as one raised while its metadata are made."""

    @wraps(asset)
    def guarded(*args: Any, **kwargs: Any) -> dg.MaterializeResult:
        try:
            return asset(*args, **kwargs)
        except (EngagementStatsError, dg.Failure):
            raise
        except Exception as error:
            message = f"{asset.__name__}: unexpected {type(error).__name__} at {_place(error)}. Please report it."
        raise dg.Failure(message, allow_retries=False)

    return guarded


def _place(error: Exception) -> str:
    """Name the last line of our own code an error passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "engagement_stats" in f.filename or "pipelines" in f.filename]
    return f"{Path(ours[-1].filename).name} line {ours[-1].lineno}" if ours else "an unknown place"


def _wave(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> tuple[WaveStatus, Fingerprint]:
    """Return the wave of this run's partition and what it is built from."""
    state = workspace.status().waves.get(context.partition_key)
    if state is None or state.fingerprint is None:
        reason = state.reason if state else "it is not in the catalogue"
        raise dg.Failure(f"{context.partition_key}: cannot be built: {reason}.", allow_retries=False)
    return state, state.fingerprint


def _checked(name: str, passed: bool, description: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name, passed=passed, description=description, severity=dg.AssetCheckSeverity.ERROR
    )


def _blocking(asset: str, name: str, description: str) -> list[dg.AssetCheckSpec]:
    return [dg.AssetCheckSpec(name=name, asset=asset, blocking=True, description=description)]


@dg.asset(partitions_def=microdata_waves, group_name="waves", kinds={"file"})
@_guarded
def survey_file(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult:
    """Read the columns the catalogue asks for from a wave's file, as deposited, into the private store."""
    state, fingerprint = _wave(context, workspace)
    with _errors_of(workspace, state):
        assert state.file is not None
        assert fingerprint.file is not None
        store = workspace.store
        landed = ingest.land_wave(
            state.wave,
            workspace.catalogue.microdata_waves[state.wave],
            state.file,
            lambda parquet: store.take(state.wave, fingerprint, "raw", parquet),
            digest=fingerprint.file,
            digests=store.digests(),
        )
        said = codebook.Codebook.of(landed.labels, landed.user_missing)
        store.write_text(state.wave, fingerprint, codebook.STORED, said.as_json())
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": landed.rows,
            "columns": landed.columns,
            "sha256": fingerprint.file or "",
        },
        data_version=dg.DataVersion(fingerprint.key),
    )


@dg.asset(
    partitions_def=microdata_waves,
    deps=[survey_file],
    group_name="waves",
    kinds={"pandas", "parquet"},
    check_specs=_blocking(
        "responses", "every_row_is_kept", "Every row of the file is a response, or set aside with a reason."
    ),
)
@_guarded
def responses(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult:
    """Harmonise a wave: codes to categories and typed reasons for missingness, by the catalogue."""
    state, fingerprint = _wave(context, workspace)
    with _errors_of(workspace, state):
        raw = workspace.store.read(state.wave, fingerprint, "raw")
        said = codebook.Codebook.from_json(workspace.store.read_text(state.wave, fingerprint, codebook.STORED))
        entries = labelled.filled(workspace.catalogue, state.wave, said)
        reworded = codebook.check(raw, said, state.wave, entries)
        split = quarantine.set_aside(raw, state.wave, workspace.catalogue)
        workspace.store.write(state.wave, fingerprint, "quarantined", split.aside)
        counts = quarantine.table(split, state.wave, workspace.catalogue)
        aside = quarantine.in_brief(counts) or "none set aside"
        synthetic = bool(raw[ingest.SYNTHETIC_MARKER].any())
        workspace.store.write(state.wave, fingerprint, "quarantine", counts.assign(is_synthetic=synthetic))
        guessed = {} if synthetic else omissions.unconfirmed(raw, said, state.wave, entries)
        areas = lookups.read_landed(workspace.catalogue, state.lookups)
        frame = clean.harmonise(split.kept, state.wave, entries, areas, leave_out=guessed)
        omitted = omissions.omitted(frame, state.wave, workspace.catalogue, guessed)
        workspace.store.write_text(state.wave, fingerprint, omissions.STORED, json.dumps(omitted))
        expectations.check(split.kept, frame, state.wave, workspace.catalogue)
        workspace.store.write(state.wave, fingerprint, "responses", frame)
        kept = len(frame) + len(split.aside) == len(raw) and frame["respondent"].is_unique
        if not kept:
            raise EngagementStatsError(
                f"{state.wave}: {len(raw)} rows became {len(frame)} responses and {len(split.aside)} set aside."
            )
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(frame),
            "missing": dg.MetadataValue.json(clean.missing_counts(frame)),
            "quarantine": aside,
            "left_out": dg.MetadataValue.json(omitted),
            "labels_in_other_words": dg.MetadataValue.json(list(reworded)),
        },
        check_results=[_checked("every_row_is_kept", kept, f"{len(frame)} responses, {aside}")],
        data_version=dg.DataVersion(fingerprint.key),
    )


@dg.asset(
    partitions_def=microdata_waves,
    deps=[responses],
    group_name="waves",
    kinds={"pandas", "parquet"},
    check_specs=_blocking("weights", "weights_are_usable", "Every weight is a finite number of zero or more."),
)
@_guarded
def weights(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult:
    """Check the weights supplied with a wave, or make them from population margins, as its entry says."""
    state, fingerprint = _wave(context, workspace)
    store = workspace.store
    with _errors_of(workspace, state):
        raw, answers = _kept(store, state.wave, fingerprint), store.read(state.wave, fingerprint, "responses")
        made = wave_weights.analysis_weights(raw, answers, state.wave, workspace.catalogue)
        store.write(state.wave, fingerprint, "weights", made.values)
        synthetic = bool(raw[ingest.SYNTHETIC_MARKER].any())
        store.write(state.wave, fingerprint, "weighting", made.steps.assign(is_synthetic=synthetic))
        store.write(state.wave, fingerprint, "weighting_margins", made.margins.assign(is_synthetic=synthetic))
        main = weight.summarise(made.values["main"].to_numpy())
        plots = {f"plot_{name}": _plot(store, state.wave, fingerprint, name, made) for name in made.made}
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(made.values),
            "kish_design_effect": main.design_effect,
            "effective_base": main.effective_base,
            "zero_weights": main.zero,
            "steps": dg.MetadataValue.json(made.steps.dropna(axis="columns", how="all").to_dict("records")),
            **plots,
        },
        check_results=[_checked("weights_are_usable", passed=True, description=f"{main.zero} of zero")],
        data_version=dg.DataVersion(fingerprint.key),
    )


@dg.asset(
    partitions_def=microdata_waves,
    deps=[responses, weights],
    group_name="waves",
    kinds={"pandas", "parquet"},
    check_specs=_blocking(
        "wave_estimates",
        "benchmarks_are_reproduced",
        "Official figures are reproduced to rounding, or waived.",
    ),
)
@_guarded
def wave_estimates(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult:
    """Estimate every indicator of a wave by every domain, suppress small bases, and hold it to the benchmarks."""
    state, fingerprint = _wave(context, workspace)
    catalogue, store = workspace.catalogue, workspace.store
    with _errors_of(workspace, state):
        answers = store.read(state.wave, fingerprint, "responses")
        raw = _kept(store, state.wave, fingerprint)
        synthetic = bool(raw[ingest.SYNTHETIC_MARKER].any())
        rules = catalogue.microdata_waves[state.wave].indicators.items()
        made = clean.indicators(answers, rules, f"waves/{state.wave}.yaml")
        weighted = wave_weights.analysis_weights(raw, answers, state.wave, catalogue)
        table, covariances = tabulate.microdata(
            answers, made, weighted.values, state.wave, catalogue, credited=weighted.made
        )
        wave = catalogue.microdata_waves[state.wave]
        nested = additive.nesting(answers, wave.domains)
        weight_of = {k: v.weight for k, v in wave.indicators.items()}
        follows = implied.found(made, weight_of)
        alike = overlap.held(table, answers, made, weighted.values, weight_of, catalogue.rules.disclosure).assign(
            rule=disclose.OVERLAP
        )
        people = differencing.populations(answers, made, weighted.values, wave)
        # What was invented tells of nobody, and nothing of it was remembered.
        published = [] if synthetic else _published(store, state.wave, catalogue.rules.disclosure)
        near = differencing.held(table, people, published, catalogue.rules.disclosure)
        marks = {"run_id": fingerprint.key, "is_synthetic": synthetic}
        shown, withheld = disclose.protect(table, catalogue, nested, follows, alike)
        # What is withheld for an earlier release only must be right all the same.
        benchmarks = tabulate.benchmarks(shown.assign(**marks), catalogue)
        if len(near.merge(withheld, on=KEY)) < len(near):
            store.write(state.wave, fingerprint, SIGNED_OFF, shown.assign(**marks))
            shown, withheld = disclose.protect(
                table, catalogue, nested, follows, pd.concat([alike, near.assign(rule=disclose.DIFFERENCING)])
            )
        table = shown.assign(**marks)
        missed = benchmarks[benchmarks["verdict"] == "not reproduced"]
        if len(missed):
            raise EngagementStatsError(
                f"{state.wave}: {len(missed)} published figure(s) are not reproduced: {listed(_misses(missed))}. "
                "Correct the wave's catalogue entry, or give the reason under waived in benchmarks/."
            )
        store.write(state.wave, fingerprint, "estimates", table)
        store.write(state.wave, fingerprint, "covariances", covariances)
        store.write(state.wave, fingerprint, "withheld", withheld)
        store.write(state.wave, fingerprint, "population", people)
        store.write(state.wave, fingerprint, "nesting", nested.assign(wave=state.wave))
        store.write(state.wave, fingerprint, "implied", follows.assign(wave=state.wave))
        omitted = json.loads(store.read_text(state.wave, fingerprint, omissions.STORED))
        aside = quarantine.in_brief(store.read(state.wave, fingerprint, "quarantine"))
        notes = {"synthetic": synthetic, "estimates": len(table), omissions.NOTED: omitted, quarantine.NOTED: aside}
        store.finish(state.wave, fingerprint, notes)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(table),
            "suppressed": int(table["is_suppressed"].sum()),
            "rules": dg.MetadataValue.json({str(k): int(v) for k, v in withheld["rule"].value_counts().items()}),
            "withheld_beside": disclose.lost(table, withheld),
            "synthetic": synthetic,
            "national": dg.MetadataValue.md(_preview(table)),
        },
        check_results=[_checked("benchmarks_are_reproduced", passed=True, description=f"{len(benchmarks)} set beside")],
        data_version=dg.DataVersion(fingerprint.key),
    )


def _published(store: Store, wave: str, rules: m.DisclosureRules) -> list[differencing.Published]:
    """Return what is known of the published builds of a wave."""
    remembered = store.remembered(wave, differencing.rules_digest(rules))
    return [differencing.Published(people, withheld) for people, withheld in remembered]


def _kept(store: Store, wave: str, fingerprint: Fingerprint) -> pd.DataFrame:
    """Return the deposited columns of the rows that have a response, in its order."""
    return quarantine.without(store.read(wave, fingerprint, "raw"), store.read(wave, fingerprint, "quarantined"))


def _plot(store: Store, wave: str, fingerprint: Fingerprint, name: str, made: wave_weights.WaveWeights) -> str:
    """Draw a weight we made into the private store; say what to install where plots cannot be drawn."""
    path = store.folder(wave, fingerprint) / f"weights_{name}.svg"
    drawn = plot.weighting(made.made[name], made.margins[made.margins["weight"] == name], title=f"{wave}, {name}")
    if drawn is None:
        return "install the extra engagement-stats[plots] to draw the weights"
    store.write_text(wave, fingerprint, path.name, drawn)
    return str(path)


def _misses(missed: pd.DataFrame) -> list[str]:
    return [
        f"{r.indicator} {r.level} published {phrase.percentage(r.published, 1)}, ours {phrase.percentage(r.ours, 1)}"
        for r in missed.itertuples()
    ]


def _preview(table: pd.DataFrame) -> str:
    """Show the estimates of the whole population in the web interface."""
    mark = f"**{phrase.SYNTHETIC}**\n\n" if table["is_synthetic"].any() else ""
    lines = ["| indicator | per cent | interval |", "|---|---|---|"]
    for r in table[(table["domain"] == "all") & ~table["is_suppressed"] & (table["unit"] == "proportion")].itertuples():
        interval = (
            "" if pd.isna(r.ci_lower) else f"{phrase.percentage(r.ci_lower, 1)} to {phrase.percentage(r.ci_upper, 1)}"
        )
        lines.append(f"| {r.indicator} | {phrase.percentage(r.estimate, 1)} | {interval} |")
    return mark + "\n".join(lines)


@dg.asset(partitions_def=tables_waves, group_name="waves", kinds={"csv"})
@_guarded
def published_estimates(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult:
    """Turn the published figures of a wave, those of the catalogue and of a workbook, into estimates."""
    state, fingerprint = _wave(context, workspace)
    catalogue, store = workspace.catalogue, workspace.store
    with _errors_of(workspace, state):
        read = [] if state.file is None else workbook.read(state.wave, state.file, catalogue)
        rules = catalogue.rules.disclosure
        table = disclose.suppress(tabulate.published(state.wave, catalogue, read), rules)
        table = table.assign(run_id=fingerprint.key, is_synthetic=False)
        store.write(state.wave, fingerprint, "estimates", table)
        old = disclose.suppress(tabulate.revisions(state.wave, catalogue, read), rules)
        store.write(state.wave, fingerprint, "revisions", old.assign(is_synthetic=False))
        store.finish(state.wave, fingerprint, {"synthetic": False, "estimates": len(table)})
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(table),
            "replaced": len(old),
            "national": dg.MetadataValue.md(_preview(table)),
        },
        data_version=dg.DataVersion(fingerprint.key),
    )


class Current:
    """The waves whose results are current, and their frames one under another.

    With `all_signed_off` the estimates are those that would stand were none withheld for an earlier release.
    """

    def __init__(self, workspace: WorkspaceResource, *, all_signed_off: bool = False) -> None:
        self.all_signed_off = all_signed_off
        states = workspace.status().waves
        self.catalogue, self.store = workspace.catalogue, workspace.store
        self.built = {k: s.fingerprint for k, s in states.items() if s.state == "fresh" and s.fingerprint is not None}
        self.failed = {k: s.reason for k, s in states.items() if s.state == "failed"}
        self.stale = [k for k, s in states.items() if s.state == "stale"]
        self.areas = {name: found for k in self.built for name, found in states[k].lookups.items()}
        self.warehouse = workspace.workspace.warehouse
        self.ledger = corrections.read(self.warehouse, self.catalogue.rules.releases)
        self.release = publish.release_id(self.catalogue, self.built, self.failed, corrections.named(self.ledger))
        self.fingerprint = Fingerprint(None, self.release, code_digest())

    def stacked(self, name: str) -> pd.DataFrame:
        """Stack one frame of every current wave that has it."""
        frames = [
            self.store.read(wave, fingerprint, self._of(wave, fingerprint, name))
            for wave, fingerprint in self.built.items()
            if self.store.has(wave, fingerprint, name)
        ]
        # Columns empty throughout a wave have no type of their own and would decide the stack's.
        filled = [f.dropna(axis="columns", how="all") for f in frames if len(f)]
        columns = list(dict.fromkeys(c for f in frames for c in f.columns))
        return (
            pd.concat(filled, ignore_index=True).reindex(columns=columns) if filled else pd.DataFrame(columns=columns)
        )

    def _of(self, wave: str, fingerprint: Fingerprint, name: str) -> str:
        """Name the frame to take: of estimates, that without differencing where somebody signed it off."""
        off = self.all_signed_off or corrections.signed_off(self.ledger, wave, fingerprint.file)
        return SIGNED_OFF if name == "estimates" and off and self.store.has(wave, fingerprint, SIGNED_OFF) else name

    def remember(self) -> None:
        """Keep who stands behind the waves of respondents that are about to be published, and what they withhold."""
        rules = differencing.rules_digest(self.catalogue.rules.disclosure)
        for wave, fingerprint in self.built.items():
            invented = self.store.manifest(wave, fingerprint)["synthetic"]
            if self.store.has(wave, fingerprint, "population") and not invented:
                people = self.store.read(wave, fingerprint, "population")
                estimates = self.store.read(wave, fingerprint, self._of(wave, fingerprint, "estimates"))
                self.store.remember(wave, differencing.name(people), people, rules, differencing.withheld(estimates))

    def is_corrected_for_a_few(self, wave: str) -> bool:
        """Say whether a wave's answers or weights differ from those published for a few respondents."""
        rules = self.catalogue.rules.disclosure
        fingerprint = self.built[wave]
        if not self.store.has(wave, fingerprint, "population"):
            return False
        people = self.store.read(wave, fingerprint, "population")
        return differencing.few_corrected(people, _published(self.store, wave, rules), rules)

    def released(self, table: str) -> pd.DataFrame:
        """Stack the frames of a released table with exactly its columns, but the release's name."""
        columns = [c for c in publish.columns(table) if c != "release_id"]
        return self.stacked(table).reindex(columns=columns)


def unaccounted(current: Current) -> list[corrections.Held]:
    """Return the published numbers that the release of now would change without a word in the ledger."""
    estimates = current.released("estimates")
    if estimates.empty or estimates["is_synthetic"].astype(bool).any():
        return []
    stands = corrections.standing(current.warehouse, list(current.built))
    noise = current.catalogue.rules.releases.noise
    return corrections.held(
        corrections.changed(stands, estimates, current.released("revisions"), noise), current.ledger
    )


def _may_be_published(current: Current) -> None:
    """Refuse a release that somebody went back from, or that changes published numbers without a word in the ledger."""
    gone = releases.withdrawn(current.warehouse).get(current.release)
    if gone is not None:
        raise PublishError(releases.gone_back(gone))
    waiting = unaccounted(current)
    if waiting:
        listing = pd.concat([h.rows for h in waiting]).to_csv(index=False)
        where = current.store.write_text(RELEASE, current.fingerprint, "held.csv", listing)
        kinds = list(current.catalogue.rules.releases.kinds)
        limit = current.catalogue.rules.disclosure.min_count
        corrected = {h.wave: limit for h in waiting if current.is_corrected_for_a_few(h.wave)}
        few = _hidden_for_a_few(current, waiting)
        raise PublishError(corrections.message(waiting, where, kinds, few, corrected))


def _hidden_for_a_few(current: Current, waiting: list[corrections.Held]) -> int:
    """Count the published estimates that would be hidden for what two releases together tell."""
    withheld = current.stacked("withheld")
    if withheld.empty:
        return 0
    rows = pd.concat([h.rows for h in waiting])
    gone = rows.loc[rows["new"].isna(), KEY].drop_duplicates()
    return len(gone.merge(withheld.loc[withheld["rule"] == disclose.DIFFERENCING, KEY], on=KEY))


def _codes(current: Current) -> dict[tuple[str, str], str]:
    """Give the codes of areas that are levels in the release, by the lookups its waves rest on."""
    names = [name for name in places.naming(current.catalogue) if name in current.areas]
    return places.codes(current.catalogue, lookups.read_landed(current.catalogue, current.areas, names))


def _caveats(current: Current) -> dict[str, str]:
    """Say of each wave what a reader should know of rows set aside."""
    counts = current.released("quarantine")
    return {
        str(wave): said
        for wave, rows in counts.groupby("wave")
        if (said := quarantine.caveat(rows, current.catalogue.microdata_waves[str(wave)]))
    }


@dg.asset(deps=[wave_estimates, published_estimates], group_name="release", kinds={"pandas"})
@_guarded
def comparisons(workspace: WorkspaceResource) -> dg.MaterializeResult:
    """Set estimates side by side as the catalogue asks, with grade, verdict and sentence."""
    with _errors_of(workspace, None):
        current = Current(workspace)
        estimates = current.released("estimates")
        table = compare.comparisons(estimates, current.stacked("covariances"), current.catalogue)
        table = phrase.with_sentences(table, estimates, current.catalogue)
        current.store.write(RELEASE, current.fingerprint, "comparisons", table)
        trends = trend.trends(estimates, table, current.catalogue)
        current.store.write(RELEASE, current.fingerprint, "trends", trends)
        current.store.write(RELEASE, current.fingerprint, "league_tables", league.tables(estimates, current.catalogue))
    verdicts = {str(k): int(v) for k, v in table["verdict"].value_counts(dropna=False).items()}
    return dg.MaterializeResult(
        metadata={"dagster/row_count": len(table), "verdicts": dg.MetadataValue.json(verdicts)},
        data_version=dg.DataVersion(current.release),
    )


@dg.asset(deps=[comparisons], group_name="release", kinds={"pandas"})
@_guarded
def claims(workspace: WorkspaceResource) -> dg.MaterializeResult:
    """Check every claim of the catalogue against the estimates, comparisons and league tables."""
    with _errors_of(workspace, None):
        current = Current(workspace)
        compared = current.store.read(RELEASE, current.fingerprint, "comparisons")
        ranked = current.store.read(RELEASE, current.fingerprint, "league_tables")
        covariances = current.stacked("covariances")
        table = claim.check(current.catalogue, current.released("estimates"), compared, ranked, covariances)
        current.store.write(RELEASE, current.fingerprint, "claims", table)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": len(table)}, data_version=dg.DataVersion(current.release)
    )


@dg.asset(
    deps=[comparisons, claims],
    group_name="release",
    kinds={"duckdb"},
    check_specs=[
        *_blocking("release", "nothing_withheld_can_be_worked_out", "No suppressed count follows from what is shown."),
        *_blocking("release", "release_reads_back", "The file in place opens and names this release."),
    ],
)
@_guarded
def release(workspace: WorkspaceResource) -> dg.MaterializeResult:
    """Build the warehouse beside the released one and put it in place whole."""
    with _errors_of(workspace, None):
        current = Current(workspace)
        target = current.warehouse
        stands = releases.current(target)
        estimates = current.released("estimates")
        if estimates.empty:
            raise PublishError("release: no wave could be built, so the release in place stays.")
        # However a release is asked for, a wave that merely waits must not take published numbers away.
        waiting = [w for w in (stands.waves if stands else ()) if w in current.stale]
        if waiting:
            raise PublishError(
                f"release: {len(waiting)} wave(s) of it changed and wait ({listed(waiting)}). Build them first."
            )
        _may_be_published(current)
        rules = current.catalogue.rules.disclosure
        attacked = disclose.check(estimates, rules, current.stacked("nesting"), current.stacked("implied"))
        synthetic = sorted(estimates.loc[estimates["is_synthetic"].astype(bool), "wave"].unique())
        frames = {
            "estimates": estimates,
            "comparisons": current.store.read(RELEASE, current.fingerprint, "comparisons"),
            "trends": current.store.read(RELEASE, current.fingerprint, "trends"),
            "league_tables": current.store.read(RELEASE, current.fingerprint, "league_tables"),
            "claims": current.store.read(RELEASE, current.fingerprint, "claims"),
            "benchmarks": tabulate.benchmarks(estimates, current.catalogue),
            "quarantine": current.released("quarantine"),
            "revisions": current.released("revisions"),
            "corrections": corrections.table(current.ledger, list(current.built)),
            "weighting": current.released("weighting"),
            "weighting_margins": disclose.margins(current.released("weighting_margins"), estimates),
            "disclosure_audit": disclose.told(estimates),
            "headlines": publish.headlines(current.catalogue, estimates),
            "runs": publish.run_row(current.catalogue, current.built, current.failed, bool(synthetic)),
            **publish.described(
                current.catalogue,
                list(current.built),
                synthetic,
                caveats=_caveats(current),
                estimates=estimates,
                codes=_codes(current),
            ),
        }
        kept = current.catalogue.rules.releases.keep
        current.remember()
        replaces = stands.release if stands else None
        releases.put_in_place(frames, current.release, target, replaces=replaces, keep=kept)
        in_place = releases.current_release(target) == current.release
        current.store.finish(RELEASE, current.fingerprint, {})
    return dg.MaterializeResult(
        metadata={
            "release": current.release,
            "file": target.name,
            "estimates": len(estimates),
            "synthetic": bool(synthetic),
            "left_out": dg.MetadataValue.json(current.failed),
        },
        check_results=[
            _checked("nothing_withheld_can_be_worked_out", passed=True, description=f"{attacked} attacked"),
            _checked("release_reads_back", in_place, current.release),
        ],
        data_version=dg.DataVersion(current.release),
    )
