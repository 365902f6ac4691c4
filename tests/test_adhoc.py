"""Any survey file, without a catalogue entry: codes, labels, missing values, filters and designs as users name them."""

from pathlib import Path
from typing import Any

import layouts
import numpy as np
import pandas as pd
import pyreadstat
import pytest

from engagement_stats import adhoc, estimate
from engagement_stats.design import SampleDesign
from engagement_stats.errors import EngagementStatsError, EstimationError, IngestError

# What is done with a file does not depend on the process it is read in.
pytestmark = pytest.mark.usefixtures("in_this_process")

CANARY = "CANARY7731"
N = 200


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    """Return a survey of 200 with every kind of column: codes, numbers, weights, strata, PSUs, replicates."""
    rng = np.random.default_rng(9)
    frame = pd.DataFrame({
        "vol": rng.choice([1.0, 2.0, -9.0], N, p=[0.4, 0.5, 0.1]), "sex": rng.choice([1.0, 2.0], N),
        "age": rng.integers(16, 95, N).astype(float), "region": rng.choice([10.0, 2.0, 1.0], N),
        "hours": rng.choice([0.0, 2.0, 5.5, -9.0], N), "wt": rng.uniform(0.5, 2, N).round(3),
        "st": np.repeat([1.0, 2.0], N // 2), "psu": np.tile(np.repeat(np.arange(10.0), N // 20), 2),
    })  # fmt: skip
    for k in range(1, 5):
        frame[f"Repw{k}"] = (frame["wt"] * rng.uniform(0.8, 1.2, N)).round(4)
    return frame


LABELS = {
    "vol": {1: "Yes", 2: "No", -9: "Refused"}, "sex": {1: "Male", 2: "Female"},
    "region": {1: "North", 2: "South", 10: "East"}, "hours": {-9: "Refused"},
}  # fmt: skip


@pytest.fixture(scope="module")
def sav(people: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the survey with labels, and -9 declared missing for `hours` only."""
    path = tmp_path_factory.mktemp("adhoc") / "people.sav"
    pyreadstat.write_sav(people, path, variable_value_labels=LABELS, missing_ranges={"hours": [-9]})
    return path


def ask(path: Path, *variables: str, **options: Any) -> pd.DataFrame:
    return adhoc.run(path, adhoc.Request(list(variables), **options))


def test_codes_that_look_like_no_answer_are_not_counted_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "poll.csv"
    pd.DataFrame({"q": [1, 2, 98, 1], "age": [20, 99, 60, 98]}).to_csv(path, index=False)

    def told(*variables: str, **options: Any) -> list[str]:
        said: list[str] = []
        adhoc.run(path, adhoc.Request(list(variables), **options), said.append)
        return said

    assert told("q", counts=["1"]) == [
        "q: 98 look like codes for no answer and are counted as answers. If they mean no answer, name them with "
        "--missing."
    ]
    assert told("q", counts=["1"], missing=["98"]) == []
    assert told("q", counts=["98"]) == []
    assert told("age", statistic="mean") == []


def test_labels_that_say_no_answer_are_not_counted_in_silence(tmp_path: Path) -> None:
    # Many polls declare nothing missing, and code 9 is no usual code of missing answers.
    path = tmp_path / "poll.sav"
    frame = pd.DataFrame({"q": [1.0, 2.0, 8.0, 9.0], "words": ["Yes", "No", "Don't know", "No answer"]})
    labels = {"q": {1: "Yes", 2: "No", 8: "Refused to move house", 9: "(DO NOT READ) Don't know/Refused"}}
    pyreadstat.write_sav(frame, path, variable_value_labels=labels)

    def told(name: str, *counts: str, missing: tuple[str, ...] = ()) -> list[str]:
        said: list[str] = []
        adhoc.run(path, adhoc.Request([name], counts=counts, missing=missing), said.append)
        return [s.partition(" look like")[0] for s in said]

    assert told("q", "Yes") == ['q: 9 "(DO NOT READ) Don\'t know/Refused"']
    assert told("q", "Yes", missing=["9"]) == told("q", "(DO NOT READ) Don't know/Refused") == []
    assert told("words", "Yes") == ["words: Don't know, No answer"]


def refused(path: Path, *variables: str, **options: Any) -> str:
    with pytest.raises(EngagementStatsError) as caught:
        ask(path, *variables, **options)
    message = str(caught.value)
    assert CANARY not in message
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    # The user knows none of the names we give columns inside.
    assert "value vol" not in message
    assert "design wt" not in message
    return message


def shares(table: pd.DataFrame) -> dict[str, float]:
    return dict(zip(table["level"], table["estimate"], strict=True))


def assert_same(one: pd.DataFrame, two: pd.DataFrame) -> None:
    columns = ["domain", "level", "estimate", "standard_error", "ci_lower", "ci_upper", "base_unweighted"]
    # The same sums in the same order.
    pd.testing.assert_frame_equal(one[columns], two[columns], rtol=1e-12, check_dtype=False)


# --- what counts, and what is no answer


def test_counts_by_code_and_by_label_agree(people: pd.DataFrame, sav: Path) -> None:
    by_code = ask(sav, "vol", counts=["1"], missing=["-9"], weight="wt")
    answered = people[people["vol"] != -9]
    expected = answered.loc[answered["vol"] == 1, "wt"].sum() / answered["wt"].sum()
    # Sums of 180 doubles in another order.
    assert by_code["estimate"].tolist() == pytest.approx([expected], rel=1e-12)
    assert by_code["base_unweighted"].tolist() == [len(answered)]
    assert by_code["base_missing"].tolist() == [N - len(answered)]
    assert_same(ask(sav, "vol", counts=["Yes"], missing=["-9"], weight="wt"), by_code)
    assert_same(ask(sav, "VOL", counts=["1"], missing=["-9"], weight="WT"), by_code)
    both = ask(sav, "vol", counts=["1", "No"], missing=["-9"], weight="wt")
    assert both["estimate"].tolist() == [1.0]


def test_a_code_nobody_declared_missing_is_an_answer(people: pd.DataFrame, sav: Path) -> None:
    kept = ask(sav, "vol", counts=["1"])
    assert kept["base_unweighted"].tolist() == [N]
    assert kept["estimate"].tolist() == pytest.approx([(people["vol"] == 1).mean()], rel=1e-12)


def test_a_code_the_file_declares_missing_is_no_answer(people: pd.DataFrame, sav: Path) -> None:
    table = ask(sav, "hours", statistic="mean", weight="wt")
    answered = people[people["hours"] != -9]
    assert table["estimate"].tolist() == pytest.approx(
        [np.average(answered["hours"], weights=answered["wt"])], rel=1e-12
    )
    # With -9 taken for an answer the mean would be far below.
    assert abs(np.average(people["hours"], weights=people["wt"]) - table["estimate"].item()) > 1
    counted = ask(sav, "hours", counts=["0"], weight="wt")
    assert counted["base_unweighted"].tolist() == [len(answered)]


def test_text_and_letters_declared_missing_are_no_answers(tmp_path: Path) -> None:
    words, letters = tmp_path / "w.sav", tmp_path / "l.dta"
    frame = pd.DataFrame({"q": ["Yes", "No", "DK", "Yes"], "x": [1.0, 2.0, 3.0, 4.0]})
    pyreadstat.write_sav(frame, words, missing_ranges={"q": ["DK"]})
    assert ask(words, "q", counts=["Yes"])["estimate"].tolist() == pytest.approx([2 / 3])
    pyreadstat.write_dta(
        pd.DataFrame({"q": [1.0, 0.0, "a", 1.0], "x": [1.0] * 4}), letters, missing_user_values={"q": ["a"]}
    )
    assert ask(letters, "q")["estimate"].tolist() == pytest.approx([2 / 3])
    assert ask(letters, "q", counts=["1"])["base_missing"].tolist() == [1]


def test_a_dictionary_beside_a_text_file_declares_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "wave.tab"
    path.write_text("serial\tvol\n1\t1\n2\t2\n3\t-9\n4\t1\n5\t\n")
    (tmp_path / "wave_ukda_data_dictionary.txt").write_text(layouts.DICTIONARY)
    table = ask(path, "vol", counts=["Yes"])
    assert (table["estimate"].item(), table["base_unweighted"].item()) == (pytest.approx(2 / 3), 3)
    assert ask(path, "vol", statistic="mean")["estimate"].item() == pytest.approx(4 / 3)
    assert ask(path, "serial", statistic="mean", by=["vol"])["level"].tolist() == ["all", "Yes", "No"]


def test_numbers_written_otherwise_are_named(tmp_path: Path) -> None:
    path = tmp_path / "poll.csv"
    pd.DataFrame({"q": ["1", "2"] * 10, "wt": ["0,75", "1,25"] * 10}).to_csv(path, index=False, sep=";")
    said = refused(path, "q", weight="wt", reading={"delimiter": ";"})
    assert "wt: 20 respondent(s) have a value that is not a number" in said
    assert "these look like numbers with decimal commas. Write them as plain numbers" in said


def test_a_range_declared_missing_is_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "r.sav"
    frame = pd.DataFrame({"q": [1.0, 0.0, -15.0, -10.0, -9.0], "x": [1.0] * 5})
    pyreadstat.write_sav(frame, path, missing_ranges={"q": [{"lo": -20, "hi": -10}]})
    assert ask(path, "q", counts=["1"])["base_unweighted"].tolist() == [3]


def test_several_variables_come_one_after_another(sav: Path) -> None:
    table = ask(sav, "vol", "sex", counts=["1"])
    assert table["indicator"].tolist() == ["vol", "sex"]
    assert table["source"].tolist() == ["people.sav"] * 2


def test_a_weighted_total_and_mean(people: pd.DataFrame, sav: Path) -> None:
    answered = people[people["hours"] != -9]
    total = ask(sav, "hours", statistic="total", weight="wt")
    assert total["estimate"].tolist() == pytest.approx([(answered["hours"] * answered["wt"]).sum()], rel=1e-12)
    assert total["unit"].tolist() == ["total"]
    plain = ask(sav, "hours", statistic="mean")
    assert plain["estimate"].tolist() == pytest.approx([answered["hours"].mean()], rel=1e-12)


# --- domains


def test_levels_are_labels_in_the_order_of_their_codes(sav: Path) -> None:
    table = ask(sav, "vol", counts=["1"], by=["region"])
    # As text, code 10 would come before 2.
    assert table["level"].tolist() == ["all", "North", "South", "East"]


def test_two_codes_of_one_label_stay_two_levels(people: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "f.sav"
    pyreadstat.write_sav(people, path, variable_value_labels={"region": {1: "North", 2: "Other", 10: "Other"}})
    levels = ask(path, "vol", counts=["1"], by=["region"])["level"].tolist()
    assert levels == ["all", "North", "2 Other", "10 Other"]


def test_domains_cross_and_families_add(people: pd.DataFrame, sav: Path) -> None:
    table = ask(sav, "vol", counts=["1"], by=["sex", "sex*region"], weight="wt")
    assert table["domain"].tolist() == ["all"] + ["sex"] * 2 + ["sex*region"] * 6
    cell = people[(people["sex"] == 2) & (people["region"] == 10)]
    expected = cell.loc[cell["vol"] == 1, "wt"].sum() / cell["wt"].sum()
    assert shares(table)["Female | East"] == pytest.approx(expected, rel=1e-12)


def test_missing_codes_leave_a_domain_too(sav: Path) -> None:
    assert ask(sav, "sex", counts=["1"], by=["vol"], missing=["-9"])["level"].tolist() == ["all", "Yes", "No"]


# --- the filter


def test_where_is_a_domain_and_not_a_smaller_sample(people: pd.DataFrame, sav: Path) -> None:
    options: dict[str, Any] = {"counts": ["1"], "weight": "wt", "stratum": "st", "psu": ["psu"]}
    table = ask(sav, "vol", where="age >= 65 AND sex = 2", **options)
    chosen = (people["age"] >= 65) & (people["sex"] == 2)
    frame = people.assign(y=(people["vol"] == 1).astype(float))
    design = SampleDesign(weight="wt", stratum="st", psu="psu")
    assert_same(table, estimate.proportion(frame, "y", design=design, where=chosen))
    # On a file cut down to those chosen the PSUs without any of them are lost, and the standard error is another.
    cut = estimate.proportion(frame[chosen], "y", design=design)
    assert cut["estimate"].item() == pytest.approx(table["estimate"].item(), rel=1e-12)
    assert table["standard_error"].item() != pytest.approx(cut["standard_error"].item(), rel=1e-3)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("SEX = 1", lambda p: p["sex"] == 1),
        ("region IN (1, 10)", lambda p: p["region"].isin([1, 10])),
        ("hours = -9 OR age < 20", lambda p: (p["hours"] == -9) | (p["age"] < 20)),
        ("age / nullif(sex - 1, 0) > 30", lambda p: (p["sex"] == 2) & (p["age"] > 30)),
    ],
)
def test_conditions_users_write(people: pd.DataFrame, sav: Path, where: str, expected: Any) -> None:
    table = ask(sav, "vol", counts=["1"], where=where)
    assert table["base_unweighted"].tolist() == [int(expected(people).sum())]


def test_words_may_be_compared_and_a_quoted_word_is_no_column(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("vol,area,sex\n1,sex,1\n0,o'b,1\n1,x,2\n")
    assert ask(path, "vol", where="area = 'sex'")["base_unweighted"].tolist() == [1]
    assert ask(path, "vol", where="area = 'o''b'")["base_unweighted"].tolist() == [1]


def test_nobody_chosen_is_a_base_of_nobody(sav: Path) -> None:
    table = ask(sav, "vol", counts=["1"], where="age > 200")
    assert table["base_unweighted"].tolist() == [0]
    assert table["estimate"].isna().all()


@pytest.mark.parametrize(
    "where",
    [
        "sex = ", "nosuch = 1", "sex = 'one'; DROP TABLE x", "sum(sex) > 1", "'maybe'",
        "(SELECT count(*) FROM read_text('{secret}')) > 0", "sex IN (SELECT 1 FROM read_csv('{secret}'))",
        "(SELECT count(*) FROM '{secret}') > 0", "(SELECT count(*) FROM canary_frame) > 0",
        "(SELECT count(*) FROM frame) > 0",
        "sex = 1) FROM respondents; COPY (SELECT 1) TO '{secret}.out'; SELECT (true",
        "sex = 1) FROM respondents; SET enable_external_access = true; SELECT (true",
    ],
)  # fmt: skip
def test_a_filter_reaches_the_columns_of_the_file_and_nothing_else(sav: Path, tmp_path: Path, where: str) -> None:
    canary_frame = pd.DataFrame({"x": [1]})
    secret = tmp_path / "secret.csv"
    secret.write_text(f"x\n{CANARY}\n")
    message = refused(sav, "vol", counts=["1"], where=where.format(secret=secret))
    assert message.startswith("--where: ")
    assert not (tmp_path / "secret.csv.out").exists()
    assert len(canary_frame) == 1


# --- designs


def test_stratum_and_psu_enter_the_standard_error(people: pd.DataFrame, sav: Path) -> None:
    table = ask(sav, "vol", counts=["1"], weight="wt", stratum="st", psu=["psu"], by=["sex"])
    frame = people.assign(y=(people["vol"] == 1).astype(float), sex=people["sex"].map({1: "Male", 2: "Female"}))
    frame["sex"] = pd.Categorical(frame["sex"], ["Male", "Female"])
    design = SampleDesign(weight="wt", stratum="st", psu="psu")
    assert_same(table, estimate.proportion(frame, "y", design=design, by="sex"))
    assert set(table["variance_basis"]) == {"design"}
    assert set(table["weight"]) == {"wt"}


def test_replicate_weights_are_found_by_pattern_in_any_letter_case(people: pd.DataFrame, sav: Path) -> None:
    table = ask(sav, "vol", counts=["1"], weight="wt", replicates="repW*", replicate_method="brr")
    y = (people["vol"] == 1).astype(float)
    full = np.average(y, weights=people["wt"])
    each = np.array([np.average(y, weights=people[f"Repw{k}"]) for k in range(1, 5)])
    # Balanced repeated replication: the mean squared distance from the full estimate.
    assert table["standard_error"].item() == pytest.approx(np.sqrt(((each - full) ** 2).mean()), rel=1e-9)
    assert set(table["variance_basis"]) == {"replicate"}


def test_a_weight_the_file_is_saved_with_is_not_passed_over_in_silence(people: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "people.sav"
    pyreadstat.write_sav(people[["wt", "vol"]], path)
    content = bytearray(path.read_bytes())
    content[76:80] = (1).to_bytes(4, "little")  # cases are weighted by the first column
    path.write_bytes(content)
    told: list[str] = []
    adhoc.run(path, adhoc.Request(["vol"], counts=["1"], missing=["-9"]), told.append)
    assert told == [
        "people.sav: saved as weighted by wt, and these estimates are not weighted. Add --weight wt to weight them as "
        "SPSS would."
    ]
    told.clear()
    adhoc.run(path, adhoc.Request(["vol"], counts=["1"], missing=["-9"], weight="wt"), told.append)
    assert told == []


def test_those_whose_weight_is_declared_missing_are_left_out(people: pd.DataFrame, tmp_path: Path) -> None:
    # As the weight of a self-completion part is -1 for those who did not do it.
    part = people.assign(wt=people["wt"].where(people["age"] % 3 != 0, -1.0), hours=1.0)
    pyreadstat.write_sav(part, tmp_path / "said.sav", missing_ranges={"wt": [{"lo": -9, "hi": -1}]})
    part.to_csv(tmp_path / "silent.csv", index=False)
    one = part[part["wt"] > 0].reset_index(drop=True)
    y = (one["vol"] == 1).astype(float)
    for name, options in (("said.sav", {"counts": ["1"]}), ("silent.csv", {"counts": ["1.0"], "missing": ["-1"]})):
        told: list[str] = []
        request = adhoc.Request(["vol"], weight="wt", stratum="st", **options)  # type: ignore[arg-type]
        table = adhoc.run(tmp_path / name, request, told.append)
        assert table["estimate"].item() == pytest.approx(np.average(y, weights=one["wt"]), rel=1e-12)
        assert table["base_unweighted"].item() == len(one)
        assert f"wt: declared missing for {len(part) - len(one)} respondent(s), who are left out." in told
    assert "weights are negative" in refused(tmp_path / "silent.csv", "vol", counts=["1.0"], weight="wt")
    # A weight of one is none of the variable's codes.
    ones = tmp_path / "ones.csv"
    part.assign(wt="1").to_csv(ones, index=False)
    assert ask(ones, "st", counts=["2.0"], weight="wt", missing=["1"])["base_unweighted"].item() == N // 2


def test_a_missing_code_is_found_as_pandas_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "poll.csv"
    pd.DataFrame({"q": [1.0, 2.0, 3.0, None], "x": 1}).to_csv(path, index=False)
    table = ask(path, "q", counts=["1.0"], missing=["3"])
    assert (table["base_unweighted"].item(), table["estimate"].item()) == (2, 0.5)


def test_a_weight_is_no_replicate_of_itself(people: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    people.rename(columns={"wt": "REPW"}).to_parquet(path)
    asked: dict[str, Any] = {"counts": ["1"], "weight": "repw", "replicate_method": "jk1"}
    broad, narrow = (ask(path, "vol", replicates=pattern, **asked) for pattern in ("repw*", "repw[0-9]*"))
    assert broad["degrees_of_freedom"].item() == 3
    assert broad["standard_error"].item() == narrow["standard_error"].item()


def test_replicates_of_no_known_making_are_refused_in_the_command_s_words(sav: Path) -> None:
    assert refused(sav, "vol", weight="wt", replicates="repw*") == (
        "--replicates: nothing says how the 4 replicate weights were made. Expected one of brr, fay, jk1, jkn, "
        "bootstrap. Take it from the producer's guide and give it with --replicate-method."
    )


def test_a_pattern_that_matches_nothing_is_refused(sav: Path) -> None:
    assert refused(sav, "vol", replicates="brr*") == (
        '--replicates: no column matches "brr*". Give a pattern such as "repw*".'
    )


def test_options_reach_the_estimator(sav: Path) -> None:
    wald = ask(sav, "vol", counts=["1"], interval="wald", confidence=0.9)
    assert (wald["interval_method"].item(), wald["confidence"].item()) == ("wald", 0.9)
    assert "interval" in refused(sav, "vol", counts=["1"], interval="exact")


# --- what is refused


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words.csv"
    path.write_text(f"vol,note,wt,bad\n1,{CANARY},1,\n0,{CANARY} too,2,-1\n1,x,3,{CANARY}\n")
    return path


def test_text_where_numbers_belong_is_counted_and_not_shown(words: Path) -> None:
    assert "note: 3 respondent(s) have a value that is not a number" in refused(words, "note", statistic="mean")
    assert "bad: 1 respondent(s)" in refused(words, "vol", weight="bad")


def test_codes_the_file_lacks_are_named_and_its_words_are_not(words: Path, sav: Path) -> None:
    message = refused(sav, "vol", counts=["1", "7", "Perhaps"])
    assert message.startswith("vol: --counts names code(s) the file does not have: 7, Perhaps. It has -9, 1, 2.")
    refused(words, "note", counts=["x", "nobody"])


def test_of_an_answer_in_words_that_is_none_only_known_words_are_shown(tmp_path: Path) -> None:
    path, said = tmp_path / "words.csv", []
    path.write_text(f"vol,w\nyes,1\nno,1\nRefused ({CANARY}),1\n[{CANARY}] Don't know / refused,1\n")
    adhoc.run(path, adhoc.Request(variables=["vol"], counts=["yes"]), said.append)
    assert [s for s in said if s.startswith("vol: ")] == [
        "vol: Refused, Don't know / refused look like codes for no answer and are counted as answers. If they mean no "
        "answer, name them with --missing."
    ]
    assert CANARY not in " ".join(said)
    # As R makes labels of a column of texts.
    path, words = tmp_path / "words.sav", {float(k): f"word {k}" for k in range(1, 40)} | {40.0: f"Refused ({CANARY})"}
    pyreadstat.write_sav(pd.DataFrame({"vol": list(words)}), path, variable_value_labels={"vol": words})
    said.clear()
    adhoc.run(path, adhoc.Request(variables=["vol"], counts=["1"]), said.append)
    assert '40 "Refused"' in said[0]
    assert CANARY not in " ".join(said)


def test_a_short_text_of_few_respondents_is_not_shown_as_a_code(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("name,wt\n" + "Ali,1\n" * 9 + "Jones,1\n" * 10 + "Khan,1\n" + "a longer one,1\n" * 10)
    message = refused(path, "name", counts=["Nobody"])
    assert "It has Jones." in message
    assert "Ali" not in message
    path.write_text("name,wt\n" + "Ali,1\n" * 9)
    assert "It has none that 10 respondents share." in refused(path, "name", counts=["Nobody"])


def test_missing_columns_and_files_are_named(words: Path, tmp_path: Path) -> None:
    assert "Missing: nosuch" in refused(words, "nosuch")
    assert "there is no such file" in refused(tmp_path / "none.csv", "vol")
    other = tmp_path / "x.doc"
    other.write_text(CANARY)
    with pytest.raises(IngestError, match=r'files ending "\.doc" cannot be read'):
        ask(other, "vol")


def test_a_bad_weight_is_named_as_the_file_names_it(people: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    people.assign(wt=people["wt"].where(people.index != 3, -1.0)).to_parquet(path)
    with pytest.raises(EstimationError, match="wt"):
        ask(path, "vol", counts=["1"], weight="wt")
    assert "negative" in refused(path, "vol", counts=["1"], weight="wt")


# --- formats


def test_every_format_gives_the_same_estimates(people: pd.DataFrame, tmp_path: Path) -> None:
    pyreadstat.write_sav(people, tmp_path / "f.sav")
    pyreadstat.write_dta(people, tmp_path / "f.dta")
    people.to_parquet(tmp_path / "f.parquet")
    people.to_csv(tmp_path / "f.csv", index=False)
    text = people.copy()
    for name in ("vol", "sex", "region", "st", "psu", "age"):
        text[name] = text[name].astype(int)
    text.to_csv(tmp_path / "f.tab", index=False, sep="\t")
    options: dict[str, Any] = {
        "weight": "wt", "stratum": "st", "psu": ["psu"], "where": "age >= 30 AND region <> 2", "by": ["age"],
        "statistic": "mean", "missing": ["-9", "-9.0"],
    }  # fmt: skip
    tables = {s: ask(tmp_path / f"f.{s}", "hours", **options) for s in ("sav", "dta", "parquet", "tab")}
    for table in tables.values():
        assert_same(table, tables["sav"])
        assert not table["is_synthetic"].any()
    # A CSV keeps codes as its writer spelt them: 30.0 is not 30, but numbers are numbers.
    csv = ask(tmp_path / "f.csv", "hours", **{**options, "by": []})
    assert_same(csv, tables["sav"].iloc[:1])


def test_a_synthetic_file_is_marked(people: pd.DataFrame, tmp_path: Path) -> None:
    people.assign(synthetic_data=1).to_parquet(tmp_path / "f.parquet")
    assert ask(tmp_path / "f.parquet", "vol", counts=["1"])["is_synthetic"].all()
