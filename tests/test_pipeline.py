"""The pipeline on synthetic files: what a release holds, what a second run does, and what Dagster is told."""

import json
import os
import re
import stat
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import dagster as dg
import duckdb
import pandas as pd
import pytest
from workbench import CLS_2018, CLS_2019, COMMAND, POLL, SYNTHETIC_WAVES, Project, built, edit_text, make

from engagement_stats import catalogue, contents, store
from engagement_stats.errors import PublishError
from pipelines import assets, automation
from pipelines.definitions import definitions
from pipelines.resources import WorkspaceResource
from pipelines.run import UNFINISHED, Report, _execute, _resource, instance_of

RELEASE_JOB = automation.release_job.name


def words(text: str) -> list[str]:
    return text.split()


# The contract of the released warehouse, typed from the design and not read from warehouse/schema.sql.
SIDE = ["survey", "wave", "indicator", "domain", "level", "estimate"]
CONTRACT = {
    "estimates": words("""release_id survey wave indicator domain level estimate standard_error ci_lower ci_upper
        confidence interval_method base_unweighted base_weighted effective_base degrees_of_freedom design_effect
        variance_basis unit quality symbol is_suppressed weight source run_id"""),
    "comparisons": [
        *words("release_id comparison level label indicator"),
        *(f"{side}_{name}" for side in ("left", "right") for name in SIDE),
        *words("""difference standard_error ci_lower ci_upper ratio ratio_ci_lower ratio_ci_upper degrees_of_freedom
        p_value p_adjusted adjustment family grade differs_on verdict is_suppressed"""),
    ],
    "claims": words("""release_id claim document quotation kind stated observed verdict sentence caveats evidence
        arithmetic support like_for_like holds_now explanation evidence_kind"""),
    "benchmarks": words("""survey wave indicator domain level published published_lower published_upper ours difference
        verdict source is_synthetic"""),
    "weighting": words("""release_id wave weight step kind method margins respondents total g_min g_max design_effect
        effective_n trimmed_share iterations max_misfit is_synthetic"""),
    "runs": words("release_id built_at code_version catalogue_digest input_digests is_synthetic"),
    **{table: words("id label definition") for table in words("indicators surveys waves domains sources")},
}
ALLOWED = {
    ("estimates", "variance_basis"): {
        "design", "weights_only", "calibrated", "replicate", "published", "assumed",
    },
    ("estimates", "quality"): {"ok", "caution", "suppressed"},
    ("comparisons", "verdict"): {"higher", "lower", "no clear difference", "not comparable", None},
    ("claims", "verdict"): {"supported", "not supported", "not comparable", "cannot be checked"},
}  # fmt: skip


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Report]:
    return built(tmp_path_factory)


@pytest.fixture(scope="module")
def released(first: tuple[Project, Report]) -> Project:
    return first[0]


@pytest.fixture
def project(released: Project, tmp_path: Path) -> Project:
    """Copy the project, so that a test may change it."""
    return released.copy(tmp_path / "home")


def resource(project: Project) -> WorkspaceResource:
    w = project.workspace
    return WorkspaceResource(
        data=str(w.data),
        private=str(w.private),
        warehouse=str(w.warehouse),
        catalogue_folder=str(w.catalogue or ""),
    )


# What a release holds


def test_first_run_builds_every_wave_it_can(first: tuple[Project, Report]) -> None:
    project, report = first
    entries = catalogue.load()
    published = {k for k, v in entries.waves.items() if v.kind == "tables"}
    assert set(report.built) == published | set(SYNTHETIC_WAVES)
    assert report.failed == {}
    assert report.release_is_new
    assert (report.held, report.lost, report.synthetic) == ((), (), True)
    jobs = project.jobs()
    assert jobs[-1] == (RELEASE_JOB, None)
    assert sorted(w for _, w in jobs[:-1] if w) == sorted(report.built)


@pytest.mark.parametrize("table", CONTRACT)
def test_release_has_the_contract_columns(released: Project, table: str) -> None:
    found = released.query(f'SELECT * FROM "{table}"')
    assert set(CONTRACT[table]) <= set(found.columns)
    assert len(found)


@pytest.mark.parametrize(("table", "column"), ALLOWED)
def test_release_uses_the_contract_words_only(released: Project, table: str, column: str) -> None:
    found = released.query(f'SELECT DISTINCT "{column}" AS x FROM "{table}"')["x"]
    assert {None if pd.isna(x) else x for x in found} <= ALLOWED[table, column]


def test_release_is_one_whole(first: tuple[Project, Report]) -> None:
    project, report = first
    contents = project.contents()
    # No packaged wave has a weight we make, a rule that sets rows aside, a figure published twice, or a mistake.
    empty = {"weighting_margins", "quarantine", "revisions", "corrections"}
    assert all(contents[table].empty for table in empty)
    for table, frame in contents.items():
        if table not in empty:
            assert set(frame["release_id"]) == {report.release}, table
    assert {p.name for p in project.warehouse.parent.iterdir()} == {project.warehouse.name, "releases"}


def test_views_read(released: Project) -> None:
    views = released.query("SELECT view_name FROM duckdb_views() WHERE NOT internal")["view_name"]
    assert {"headline_table", "trend", "lbn_v_england"} <= set(views)
    for view in views:
        assert len(released.query(f'SELECT * FROM "{view}"'))


def test_every_id_can_be_looked_up(released: Project) -> None:
    for column, table in {"survey": "surveys", "wave": "waves", "indicator": "indicators"}.items():
        orphans = f'SELECT DISTINCT "{column}" FROM estimates WHERE "{column}" NOT IN (SELECT id FROM "{table}")'
        assert released.query(orphans).empty
    lost = """SELECT DISTINCT domain, level FROM estimates WHERE domain <> 'all' AND domain NOT LIKE '%*%'
        EXCEPT SELECT id, level FROM domains"""
    assert released.query(lost).empty
    crossed = released.query("SELECT DISTINCT domain, level FROM estimates WHERE domain LIKE '%*%'")
    assert "region*sex" in set(crossed["domain"])
    assert crossed["level"].str.contains(" | ", regex=False).all()


def test_run_row_says_what_the_release_was_made_from(released: Project) -> None:
    import hashlib

    row = released.query("SELECT * FROM runs").iloc[0]
    digests = json.loads(row["input_digests"])
    for wave in SYNTHETIC_WAVES:
        assert digests[wave] == hashlib.sha256(released.file(wave).read_bytes()).hexdigest()
    assert digests["cls_2018_19"] is None
    assert json.loads(row["failed_waves"]) == {}
    assert row["catalogue_digest"] == catalogue.load().digest


def test_suppressed_rows_hold_no_number(released: Project) -> None:
    table = released.query("SELECT * FROM estimates WHERE is_suppressed")
    assert {"London", "South West"} <= set(table.loc[table["wave"] == POLL, "level"])
    numbers = words("""estimate standard_error ci_lower ci_upper base_unweighted base_weighted effective_base
        degrees_of_freedom design_effect base_missing""")
    assert table[numbers].isna().all(axis=None)
    assert set(table["symbol"]) == {"[c]", "[u]"}


def test_the_demonstration_has_a_design_and_the_poll_only_weights(released: Project) -> None:
    found = released.query("SELECT DISTINCT wave, variance_basis FROM estimates WHERE is_synthetic ORDER BY ALL")
    assert found.to_numpy().tolist() == [[CLS_2018, "design"], [CLS_2019, "design"], [POLL, "weights_only"]]


def test_private_results_are_for_the_owner_only(released: Project) -> None:
    private = released.workspace.private
    for path in [private, *private.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name


# SYNTHETIC


def test_everything_made_from_invented_respondents_says_so(released: Project) -> None:
    marked = released.query(
        "SELECT wave, bool_and(is_synthetic) AS every, bool_or(is_synthetic) AS any_ FROM estimates GROUP BY wave"
    )
    assert (marked["every"] == marked["any_"]).all()
    assert set(marked.loc[marked["every"], "wave"]) == set(SYNTHETIC_WAVES)
    names = "'" + "', '".join(SYNTHETIC_WAVES) + "'"
    comparisons = released.query(
        f"SELECT *, left_wave IN ({names}) OR right_wave IN ({names}) AS rests FROM comparisons"
    )
    assert comparisons["rests"].any()
    assert (comparisons["is_synthetic"] == comparisons["rests"]).all()
    sentences = comparisons.loc[comparisons["is_synthetic"], "sentence"]
    assert sentences.str.contains("SYNTHETIC").all()
    assert not comparisons.loc[~comparisons["is_synthetic"], "sentence"].str.contains("SYNTHETIC").any()
    headlines = released.query("SELECT wave, is_synthetic, mark FROM headline_table")
    assert (headlines["is_synthetic"] == headlines["wave"].isin(SYNTHETIC_WAVES)).all()
    assert ((headlines["mark"] == "SYNTHETIC") == headlines["is_synthetic"]).all()
    assert released.value("SELECT is_synthetic FROM runs") is True
    assert set(released.query("SELECT id FROM waves WHERE is_synthetic")["id"]) == set(SYNTHETIC_WAVES)
    claims = released.query("SELECT c.is_synthetic, e.is_synthetic AS evidence FROM claims c "
                            "JOIN comparisons e ON contains(c.evidence, e.comparison)")  # fmt: skip
    assert (claims["is_synthetic"] == claims["evidence"]).all()


# Words that set one figure above or below another, or give it as a share of the other.
DIRECTION = re.compile(
    r"\b(higher than|lower than|more than|less than|fewer than|above|below|rose|fell|up from|down from|double|half|"
    r"twice|times|increase|decrease|rise|fall)\b", re.IGNORECASE,
)  # fmt: skip


def test_what_is_not_comparable_is_never_higher_or_lower_anywhere(released: Project) -> None:
    refused = released.query("SELECT * FROM comparisons WHERE grade = 'not_comparable'")
    assert len(refused) >= 4
    assert set(refused["verdict"]) == {"not comparable"}
    assert refused[["p_value", "p_adjusted"]].isna().all(axis=None)
    assert not [s for s in refused["sentence"] if DIRECTION.search(s)]
    # The same words stand in sentences of comparisons that may be made: the search does find them.
    allowed = released.query("SELECT sentence FROM comparisons WHERE verdict IN ('higher', 'lower')")["sentence"]
    assert all(DIRECTION.search(s) for s in allowed)
    names = ", ".join(f"'{n}'" for n in refused["comparison"])
    claims = released.query(
        "SELECT * FROM claims WHERE like_for_like = 'not comparable' "
        f"OR replace(evidence, 'comparison ', '') IN ({names})"
    )
    assert len(claims) >= 2
    assert set(claims["verdict"]) <= {"not comparable", "cannot be checked"}
    assert claims["support"].isna().all()
    assert not [s for s in claims["sentence"] if DIRECTION.search(s)]
    # Views take their verdicts from comparisons, and so none from a refused one.
    for query in (
        "SELECT change_verdict AS verdict FROM trend WHERE change_grade = 'not_comparable'",
        f"SELECT verdict FROM lbn_v_england WHERE comparison IN ({names})",
    ):
        assert not set(released.query(query)["verdict"]) & {"higher", "lower"}


def test_a_synthetic_file_reproduces_no_official_figure(released: Project) -> None:
    found = released.query("SELECT * FROM benchmarks")
    assert set(found["verdict"]) == {"synthetic"}
    assert found["is_synthetic"].all()
    weighting = released.query("SELECT * FROM weighting")
    assert set(weighting["wave"]) == set(SYNTHETIC_WAVES)
    assert weighting["is_synthetic"].all()


def test_a_real_file_is_not_called_synthetic(tmp_path: Path) -> None:
    project = make(tmp_path / "home", adults=50, poll=400)
    project.file(CLS_2018).unlink()
    project.file(CLS_2019).unlink()
    edit_text(project.file(POLL), lambda frame: frame.drop(columns="synthetic_data"))
    report = project.run(POLL)
    assert report.failed == {}
    assert report.synthetic is False
    assert project.value("SELECT is_synthetic FROM runs") is False
    assert project.value("SELECT bool_or(is_synthetic) FROM weighting") is False
    assert project.value(f"SELECT bool_or(is_synthetic) FROM estimates WHERE wave = '{POLL}'") is False
    assert project.value("SELECT count(*) FROM comparisons WHERE sentence LIKE '%SYNTHETIC%'") == 0


# What a second run does


def snapshot(project: Project) -> dict[str, tuple[int, int]]:
    kept = [project.warehouse, *project.workspace.private.rglob("*.*")]
    return {str(p): (p.stat().st_ino, p.stat().st_mtime_ns) for p in kept if p.is_file()}


def test_second_run_recomputes_nothing(project: Project) -> None:
    before, jobs = snapshot(project), project.jobs()
    os.utime(project.file(POLL))  # the content decides, not the clock
    report = project.run()
    assert report.built == ()
    assert report.failed == {}
    assert not report.release_is_new
    assert report.release == project.value("SELECT release_id FROM runs")
    assert snapshot(project) == before
    assert project.jobs() == jobs


def new_jobs(project: Project, report_of: Report | None = None) -> list[tuple[str, str | None]]:
    """Run and return the Dagster runs that were new."""
    before = len(project.jobs())
    report = project.run()
    assert report.failed == {}
    return project.jobs()[before:]


def test_changed_file_rebuilds_its_wave_and_the_release(project: Project) -> None:
    before = snapshot(project)
    edit_text(project.file(POLL), lambda frame: frame.iloc[:-1])
    assert new_jobs(project) == [("microdata_wave", POLL), (RELEASE_JOB, None)]
    mine = (str(project.warehouse), str(project.workspace.private / "digests.json"))
    untouched = {k: v for k, v in before.items() if f"/{POLL}/" not in k and k not in mine}
    assert untouched.items() <= snapshot(project).items()
    assert project.value(f"SELECT max(base_unweighted) FROM estimates WHERE wave = '{POLL}'") == 599


def replace_text(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


ENTRIES = {
    "wave": ("waves/demo_lbn_poll.yaml", "domains: [region, sex]", "domains: [sex]", [POLL]),
    "code list": ("codelists/demo.yaml", "Female: Female,", 'Female: Female, "Woman": Female,', [POLL]),
    "figure": ("figures/survation_lbn.csv", "survation", "survation", ["survation_lbn_2020"]),
    "headline": ("headlines/demo.yaml", "Strong belonging", "Belonging strongly", []),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_changed_catalogue_entry_rebuilds_what_depends_on_it(project: Project, tmp_path: Path, entry: str) -> None:
    file, old, new, waves = ENTRIES[entry]
    project = project.with_catalogue(tmp_path / "catalogue")
    assert new_jobs(project) == []  # the same catalogue elsewhere
    if entry == "figure":
        path = project.catalogue / file  # type: ignore[operator]
        figures = pd.read_csv(path, dtype=str, keep_default_na=False)
        figures.loc[0, "value"] = "9"
        figures.to_csv(path, index=False)
    else:
        replace_text(project.catalogue / file, old, new)  # type: ignore[operator]
    expected = [*sorted((wave, wave) for wave in waves), (RELEASE_JOB, None)]
    assert [(w or j, w) for j, w in new_jobs(project)] == expected


def test_deleted_release_is_remade_from_what_is_kept(released: Project, project: Project) -> None:
    project.warehouse.unlink()
    assert new_jobs(project) == [(RELEASE_JOB, None)]
    same(project, released)


def test_withdrawn_file_leaves_the_release_and_is_named(project: Project) -> None:
    project.file(POLL).unlink()
    before = len(project.jobs())
    report = project.run()
    assert (report.failed, report.lost, report.held) == ({}, (POLL,), ())
    assert project.jobs()[before:] == [(RELEASE_JOB, None)]
    assert project.value(f"SELECT count(*) FROM estimates WHERE wave = '{POLL}'") == 0
    # It is lost once.
    assert project.run().lost == ()


def test_a_wave_that_fails_leaves_the_release_and_is_named(project: Project) -> None:
    edit_text(project.file(POLL), lambda frame: frame.drop(columns="weight"))
    report = project.run()
    assert set(report.failed) == {POLL}
    assert (report.lost, report.held, report.release_is_new) == ((POLL,), (), True)


def test_a_wave_not_asked_for_holds_the_release(project: Project) -> None:
    before = project.value("SELECT release_id FROM runs")
    for wave in (POLL, CLS_2018):
        edit_text(project.file(wave), lambda frame: frame.iloc[:-1])
    report = project.run(POLL)
    assert (report.built, report.held, report.lost) == ((POLL,), (CLS_2018,), ())
    assert report.release == before == project.value("SELECT release_id FROM runs")
    assert not report.release_is_new
    # The whole run takes up what waited.
    report = project.run()
    assert (report.built, report.held) == ((CLS_2018,), ())
    assert report.release_is_new


def test_a_wave_that_neither_finished_nor_failed_holds_the_release(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk while private results are written: not even the failure can be noted."""
    before = project.contents()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store.Store, "write", full)
        patch.setattr(store.Store, "fail", full)
        edit_text(project.file(POLL), lambda frame: frame.iloc[:-1])
        report = project.run()
    assert report.failed == {POLL: UNFINISHED}
    assert (report.built, report.held, report.lost) == ((), (POLL,), ())
    assert not report.release_is_new
    after = project.contents()
    for table, frame in before.items():
        pd.testing.assert_frame_equal(after[table], frame, check_exact=True, obj=table)
    report = project.run()
    assert (report.built, report.failed, report.held) == ((POLL,), {}, ())
    assert report.release_is_new


def test_no_release_is_made_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every wave fails: an empty release would take a full one away."""
    from engagement_stats import tabulate

    project = Project(tmp_path / "home")
    project.workspace.data.mkdir(parents=True)

    def crash(*_: object, **__: object) -> None:
        raise PublishError("every figure is illegible")

    with monkeypatch.context() as patch:
        patch.setattr(tabulate, "published", crash)
        report = project.run()
    assert report.built == ()
    assert report.failed["release"] == "release: no wave could be built, so the release in place stays."
    assert report.failed["cls_2018_19"] == "every figure is illegible"
    assert (report.release, report.release_is_new) == (None, False)
    assert not project.warehouse.exists()


def test_nothing_that_can_be_built_leaves_the_release_in_place(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engagement_stats import status, tabulate

    before = project.warehouse.read_bytes()
    for wave in SYNTHETIC_WAVES:
        project.file(wave).unlink()

    def crash(*_: object, **__: object) -> None:
        raise PublishError("every figure is illegible")

    with monkeypatch.context() as patch:
        patch.setattr(status, "code_digest", lambda: "other code")
        patch.setattr(tabulate, "published", crash)
        report = project.run()
    assert set(report.failed) > {"release", "cls_2018_19"}
    assert (report.built, report.release_is_new, report.lost) == ((), False, ())
    assert project.warehouse.read_bytes() == before


def test_the_release_job_refuses_to_drop_a_wave_that_waits(project: Project) -> None:
    """As the schedule or the web page asks for it: nobody has built the changed wave first."""
    before = project.value("SELECT release_id FROM runs")
    edit_text(project.file(POLL), lambda frame: frame.iloc[:-1])
    resource = _resource(project.workspace)
    with instance_of(project.workspace.home) as instance:
        done = _execute(definitions(resource), "publish_release", instance, None)
    assert not done
    assert project.value("SELECT release_id FROM runs") == before
    said = resource.store.failure("-release", None)
    assert said is not None
    assert POLL in said


def test_a_run_waits_for_another_of_the_same_project(project: Project) -> None:
    import fcntl
    import time

    edit_text(project.file(POLL), lambda frame: frame.iloc[:-1])
    before = project.jobs()
    with (project.workspace.private / ".lock").open("r+") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        waiting = subprocess.Popen(
            [COMMAND, "run"], cwd=project.root, env=project.environment(), stderr=subprocess.PIPE, text=True
        )
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                waiting.wait(6)
            assert project.jobs() == before
            # Meanwhile the other does the work.
            begun = time.monotonic()
            from pipelines.run import _run

            assert _run(project.workspace, (), lambda *_: None).built == (POLL,)
            assert waiting.poll() is None, time.monotonic() - begun
        finally:
            fcntl.flock(other, fcntl.LOCK_UN)
            said = waiting.communicate(timeout=60)[1]
    assert waiting.returncode == 0
    assert said.startswith("waiting for another run of this project ...\n0 wave(s) built, ")
    assert "Nothing changed; release" in said
    assert project.jobs()[len(before) :] == [("microdata_wave", POLL), (RELEASE_JOB, None)]


# Weights we make


MADE = """\
  weights: {supplied: RespondentCalibrationWeight}
  made:
    main:
      margins: mid_2020_england_16
      variables: [region, cls_age_group]
      base: StandardisedBaseWeight
      unplaced: own_category
      trim: 4
"""


def test_a_wave_with_a_weight_we_make(project: Project, released: Project, tmp_path: Path) -> None:
    project = project.with_catalogue(tmp_path / "catalogue")
    replace_text(
        project.catalogue / "waves" / f"{CLS_2019}.yaml",  # type: ignore[operator]
        "  weights: {main: RespondentCalibrationWeight}\n",
        MADE,
    )
    report = project.run()
    assert (report.built, report.failed) == ((CLS_2019,), {})
    bases = project.query("SELECT DISTINCT wave, variance_basis, weight FROM estimates WHERE is_synthetic ORDER BY ALL")
    assert bases.to_numpy().tolist() == [
        [CLS_2018, "design", "RespondentCalibrationWeight"], [CLS_2019, "calibrated", "main"],
        [POLL, "weights_only", "weight"],
    ]  # fmt: skip
    steps = project.query(f"SELECT * FROM weighting WHERE wave = '{CLS_2019}' ORDER BY weight, step")
    assert steps.groupby("weight")["kind"].agg(list).to_dict()["supplied"] == ["supplied"]
    ours = steps[steps["weight"] == "main"]
    assert ours["kind"].iloc[0] == "base"
    assert {"calibrated", "trimmed"} <= set(ours["kind"])
    assert set(ours["margins"]) == {"mid_2020_england_16"}
    # The population of the margins; a margin is met to the last step.
    assert ours["total"].iloc[-1] == pytest.approx(45_697_898, rel=1e-8)
    assert ours["max_misfit"].iloc[-1] <= 1e-8
    assert steps["is_synthetic"].all()
    margins = project.query("SELECT * FROM weighting_margins ORDER BY ALL")
    assert set(margins["wave"]) == {CLS_2019}
    assert set(margins["variable"]) == {"region", "cls_age_group"}
    shown = margins[~margins["is_suppressed"]]
    assert len(shown) > 6
    assert shown["after_share"].to_numpy() == pytest.approx(shown["population_share"].to_numpy(), rel=1e-7)
    assert (shown["before_share"] - shown["population_share"]).abs().max() > 0.001
    assert margins.groupby("variable")["population_share"].sum().tolist() == pytest.approx([1, 1], rel=1e-9)
    assert margins["is_synthetic"].all()
    assert set(margins["release_id"]) == {report.release}
    # The supplied weight stays what it was in the waves that use it.
    unchanged = f"SELECT * EXCLUDE (release_id) FROM estimates WHERE wave <> '{CLS_2019}' ORDER BY ALL"
    pd.testing.assert_frame_equal(project.query(unchanged), released.query(unchanged), check_exact=True)
    plots = list((project.workspace.private / CLS_2019).rglob("weights_main.svg"))
    assert [stat.S_IMODE(p.stat().st_mode) for p in plots] == [0o600]
    assert plots[0].read_text(encoding="utf-8").startswith("<?xml")
    # Another population in the margins makes the wave stale, and no other.
    replace_text(
        project.catalogue / "margins" / "england.csv",  # type: ignore[operator]
        "mid_2020_england_16,region*cls_age_group,North East | 16-24,294108",
        "mid_2020_england_16,region*cls_age_group,North East | 16-24,294109",
    )
    replace_text(project.catalogue / "margins" / "england.yaml", "45697898", "45697899")  # type: ignore[operator]
    assert new_jobs(project) == [("microdata_wave", CLS_2019), (RELEASE_JOB, None)]


def test_margins_that_cannot_be_met_fail_their_wave_alone(project: Project, tmp_path: Path) -> None:
    project = project.with_catalogue(tmp_path / "catalogue")
    replace_text(
        project.catalogue / "waves" / f"{CLS_2019}.yaml",  # type: ignore[operator]
        "  weights: {main: RespondentCalibrationWeight}\n",
        MADE.replace("      trim: 4\n", "      method: logit\n      bounds: [0.999, 1.001]\n"),
    )
    report = project.run()
    assert set(report.failed) == {CLS_2019}
    assert report.failed[CLS_2019].startswith(f"{CLS_2019} (waves/{CLS_2019}.yaml, design.made.main): ")
    assert report.lost == (CLS_2019,)
    assert project.value(f"SELECT count(*) FROM weighting WHERE wave = '{CLS_2019}'") == 0


def same(one: Project, other: Project) -> None:
    """Hold that two releases are equal to the last bit, all but the moment they were built."""
    left, right = one.contents(), other.contents()
    assert left.keys() == right.keys()
    for table in left:
        pd.testing.assert_frame_equal(left[table], right[table], check_exact=True, obj=table)


def test_results_are_bit_identical_elsewhere(released: Project, tmp_path: Path) -> None:
    """In another folder, time zone, language and order of hashing, and with other numbers of threads."""
    other = Project(tmp_path / "öther place")
    other.workspace.data.mkdir(parents=True)
    for wave in reversed(SYNTHETIC_WAVES):
        path = other.workspace.data / "below" / released.file(wave).name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(released.file(wave).read_bytes())
    more = {
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "C",
        "PYTHONHASHSEED": "7",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    done = other.command("run", more=more)
    assert done.returncode == 0, done.stderr
    same(other, released)
    # As the manifests of kept releases have it, which is what anybody can compare.
    assert contents.digests(other.warehouse) == contents.digests(released.warehouse)


def test_a_digest_tells_one_last_digit_from_another(released: Project, tmp_path: Path) -> None:
    """That two builds agree says something only if a digest would have told them apart."""
    copied = released.copy(tmp_path / "home")
    # Written to as nobody should: the file is the copy's own.
    with duckdb.connect(str(copied.warehouse)) as connection:
        connection.execute(
            "UPDATE estimates SET estimate = estimate * (1 + 2.3e-16) WHERE estimate = (SELECT max(estimate) FROM "
            "estimates WHERE unit = 'proportion' AND estimate < 1)"
        )
    was, now = contents.digests(released.warehouse), contents.digests(copied.warehouse)
    assert {table for table in was if was[table] != now[table]} == {"estimates"}


def test_a_file_without_the_design_still_builds_on_weights_only(project: Project) -> None:
    """As the public edition is: no stratum, no household, no flag of the neighbourhood."""
    public = ["FinalStratum", "HHSerial", "LBNward", "WardCode", "R3Age6"]
    edit_text(project.file(CLS_2018), lambda frame: frame.drop(columns=public))
    assert new_jobs(project) == [("microdata_wave", CLS_2018), (RELEASE_JOB, None)]
    found = project.query(f"SELECT DISTINCT variance_basis, domain FROM estimates WHERE wave = '{CLS_2018}'")
    assert set(found["variance_basis"]) == {"weights_only"}
    assert {"all", "region", "sex"} <= set(found["domain"])
    assert not {"lbn", "cls_age_group"} & set(found["domain"])


def test_one_wave_alone_is_built_when_asked(tmp_path: Path) -> None:
    project = make(tmp_path / "home", adults=60, poll=200)
    report = project.run(POLL)
    assert report.built == (POLL,)
    assert set(project.query("SELECT DISTINCT wave FROM estimates")["wave"]) == {POLL}
    assert set(project.query("SELECT id FROM waves WHERE is_released")["id"]) == {POLL}


# Dagster


def test_definitions_load() -> None:
    dg.Definitions.validate_loadable(definitions())


def test_every_check_blocks_and_everything_runs_in_one_process() -> None:
    code_location = definitions()
    keys = [k for a in code_location.assets or [] for k in a.check_specs]  # type: ignore[union-attr]
    assert len(keys) >= 4
    assert all(k.blocking for k in keys)
    assert code_location.executor is dg.in_process_executor
    for name in ("microdata_wave", "tables_wave", RELEASE_JOB):
        assert code_location.resolve_job_def(name).executor_def.name == "in_process"


def test_no_asset_hands_anything_to_an_io_manager(released: Project) -> None:
    """Dagster's own pickles what an asset returns; assets return results without a value."""
    from pipelines.run import instance_of

    with instance_of(released.root) as instance:
        events = [
            entry.dagster_event.event_type_value
            for run in instance.get_runs()
            for entry in instance.all_logs(run.run_id)
            if entry.dagster_event
        ]
    assert events.count("ASSET_MATERIALIZATION") > 20
    assert not {"HANDLED_OUTPUT", "LOADED_INPUT"} & set(events)


def test_no_pickle_is_written(released: Project) -> None:
    names = [p for p in released.root.rglob("*") if p.is_file()]
    assert not [p for p in names if p.read_bytes()[:2] in (b"\x80\x03", b"\x80\x04", b"\x80\x05")]
    assert not [p for p in names if p.suffix in (".pkl", ".pickle")]
    storage = released.root / ".dagster" / "storage"
    assert not [p for p in names if p.is_relative_to(storage) and p.stat().st_size and p.suffix not in (".db", "")]


def test_no_pickle_is_loaded_in_a_run(tmp_path: Path) -> None:
    project = make(tmp_path / "home", adults=60, poll=200)
    program = (
        "import pickle, sys\n"
        "def refuse(*a, **k): raise SystemExit('a pickle was loaded')\n"
        "import pipelines.run\n"
        "pickle.load = pickle.loads = refuse\n"
        "from engagement_stats.cli import main\n"
        f"sys.exit(main(['run', '--wave', '{POLL}']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=project.environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


class Sensed:
    """The sensor on a project, with Dagster's records in memory."""

    def __init__(self, project: Project) -> None:
        self.project, self.instance = project, dg.DagsterInstance.ephemeral()

    def look(self) -> dg.SensorResult | dg.SkipReason:
        with dg.build_sensor_context(
            instance=self.instance, resources={"workspace": resource(self.project)}
        ) as context:
            found = automation.landing_folder(context)
        assert isinstance(found, dg.SensorResult | dg.SkipReason)
        return found

    def asked(self) -> list[tuple[str | None, str | None]]:
        found = self.look()
        if isinstance(found, dg.SkipReason):
            return []
        return [(r.job_name, r.partition_key) for r in found.run_requests or []]


def test_sensor_asks_for_what_changed_then_for_the_release(project: Project) -> None:
    sensed = Sensed(project)
    quiet = sensed.look()
    assert isinstance(quiet, dg.SkipReason)
    edit_text(project.file(POLL), lambda frame: frame.iloc[:-1])
    assert sensed.asked() == [("microdata_wave", POLL)]
    assert POLL in sensed.instance.get_dynamic_partitions("microdata_waves")
    first_key = sensed.look().run_requests[0].run_key  # type: ignore[union-attr, index]
    assert first_key == sensed.look().run_requests[0].run_key  # type: ignore[union-attr, index]
    built_wave = dg.materialize(
        [assets.survey_file, assets.responses, assets.weights, assets.wave_estimates],
        partition_key=POLL,
        instance=sensed.instance,
        resources={"workspace": resource(project)},
        run_config=automation.QUIET,
    )
    assert built_wave.success
    assert sensed.asked() == [(RELEASE_JOB, None)]
    done = dg.materialize(
        [assets.comparisons, assets.claims, assets.release],
        instance=sensed.instance,
        resources={"workspace": resource(project)},
        run_config=automation.QUIET,
    )
    assert done.success
    assert sensed.asked() == []


def test_sensor_does_not_repeat_a_wave_that_failed(project: Project) -> None:
    edit_text(project.file(POLL), lambda frame: frame.drop(columns="weight"))
    assert set(project.run().failed) == {POLL}
    sensed = Sensed(project)
    assert sensed.asked() == []
    edit_text(project.file(POLL), lambda frame: frame.assign(weight="1"))
    assert sensed.asked() == [("microdata_wave", POLL)]


def test_sensor_asks_again_for_a_wave_whose_run_was_killed_but_not_for_ever(project: Project) -> None:
    sensed = Sensed(project)
    edit_text(project.file(POLL), lambda frame: frame.iloc[:-1])
    keys = []
    for _ in range(automation.ATTEMPTS + 1):
        found = sensed.look()
        assert isinstance(found, dg.SensorResult)
        (request,) = found.run_requests or []
        keys.append(request.run_key)
        killed = sensed.instance.create_run_for_job(
            definitions().resolve_job_def("microdata_wave"),
            tags={automation.RUN_KEY: str(request.run_key)},
        )
        sensed.instance.report_run_failed(killed, "the machine went down")
    assert len(set(keys)) == automation.ATTEMPTS
    assert keys[-1] == keys[-2]


def test_sensor_asks_again_for_a_release_that_stood_before(project: Project) -> None:
    """Dagster starts no second run of one key, so a release gone back to needs another."""
    sensed = Sensed(project)
    keys = set()
    for _ in range(2):
        project.warehouse.unlink()
        found = sensed.look()
        assert isinstance(found, dg.SensorResult)
        keys |= {r.run_key for r in found.run_requests or []}
        project.run()
        edit_text(project.file(POLL), lambda frame: frame.iloc[:-1])
        project.run()
        edit_text(project.file(POLL), lambda frame: pd.concat([frame, frame.iloc[-1:]]))
    assert len(keys) == 2


def test_sensor_says_what_is_wrong_with_the_project(tmp_path: Path) -> None:
    sensed = Sensed(Project(tmp_path / "nothing"))
    found = sensed.look()
    assert isinstance(found, dg.SkipReason)
    assert "does not exist" in str(found.skip_message)


def test_schedule_asks_for_the_release_once_a_month() -> None:
    assert automation.monthly.cron_schedule == "0 6 1 * *"
    assert automation.monthly.execution_timezone == "Europe/London"
    context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 3, 1, 6))
    request = automation.monthly(context)
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == "2026-03"
    assert automation.monthly.job_name == RELEASE_JOB


def test_a_failed_check_stops_the_wave(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row lost while harmonising never becomes an estimate."""
    from engagement_stats import clean

    whole = clean.harmonise
    monkeypatch.setattr(clean, "harmonise", lambda *a: whole(*a).iloc[:-1])
    edit_text(project.file(POLL), lambda frame: frame.iloc[:-1])
    report = project.run()
    assert set(report.failed) == {POLL}
    assert project.value(f"SELECT count(*) FROM estimates WHERE wave = '{POLL}'") == 0


def test_an_error_beside_the_work_of_an_asset_is_told_without_its_message() -> None:
    # Made while metadata are put together, outside what notes errors for a wave: Dagster would record it whole.
    def careless() -> dg.MaterializeResult:
        raise ValueError("CANARY7731")

    with pytest.raises(dg.Failure, match="careless: unexpected ValueError") as caught:
        assets._guarded(careless)()
    assert "CANARY" not in str(caught.value.description)
    assert caught.value.__context__ is None
