"""Recipes as content: what is refused, who owns a setting, and what every recipe must have."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ggi.cookbook.compare import holds, same, to_write
from ggi.cookbook.content import cookbook_schemas, load_cookbook
from ggi.cookbook.control import control_of
from ggi.cookbook.targets import find_m365, targets
from ggi.errors import InputError
from ggi.inventory.load import Inventory
from ggi.inventory.m365 import Stage
from ggi.inventory.schema import stale
from ggi.paths import ROOT
from tests.unit.m365.place import book, rijnstad, wanted


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A content root that can be changed."""
    shutil.copytree(ROOT / "cookbook", tmp_path / "cookbook")
    return tmp_path


def change(root: Path, recipe: str, old: str, new: str) -> None:
    """Replace a text in one recipe."""
    path = root / "cookbook" / "recipes" / f"{recipe}.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


WRONG = [
    ("TM-01", "severity: high", "severety: high", "Did you mean"),
    ("TM-01", "AllowAnonymousUsersToStartMeeting", "AllowAnonymousUserToStartMeeting", "Did you mean"),
    ("TM-01", "equal: false", "equal: maybe", "is not of type boolean"),
    ("TM-02", "EveryoneInCompanyExcludingGuests}", "EveryoneButGuests}", "is not one of"),
    ("TM-01", "teams/meetingPolicy", "teams/meetingPolice", "Did you mean"),
    ("TM-01", "    item: Global\n", "", "needs an `item`"),
    ("TM-01", "equal: false", "equal: false, at_most: 3", "write one of"),
    ("TM-10", "{parameter: recordingDays}", "{parameter: recordingWeeks}", "there is no parameter"),
    ("EN-08", "while_enforced: [EN-01, EN-02]", "while_enforced: [EN-01, EN-99]", "there is no recipe"),
    ("EN-08", "while_enforced: [EN-01, EN-02]\n", "", "`otherwise` needs"),
    ("TM-03", "id: TM-03", "id: TM-99", "must be named"),
    ("TM-03", "id: TM-03", "id: ZZ-03", "is of no family"),
]


@pytest.mark.parametrize(("recipe", "old", "new", "told"), WRONG)
def test_a_mistake_is_told_with_file_and_line(copy: Path, recipe: str, old: str, new: str, told: str) -> None:
    change(copy, recipe, old, new)
    with pytest.raises(InputError) as caught:
        load_cookbook([copy])
    assert told in str(caught.value)
    assert f"cookbook/recipes/{recipe}.yaml:" in str(caught.value)


def test_two_recipes_on_one_setting_are_an_error(copy: Path) -> None:
    change(copy, "TM-03", "AllowPSTNUsersToBypassLobby", "AllowAnonymousUsersToStartMeeting")
    with pytest.raises(InputError, match="belongs to TM-01 already"):
        load_cookbook([copy])


def test_a_setting_of_one_object_and_of_all_objects_have_one_owner_too(copy: Path) -> None:
    change(copy, "TM-03", "AllowPSTNUsersToBypassLobby", "AllowExternalParticipantGiveRequestControl")
    with pytest.raises(InputError, match="belongs to TM-0"):
        load_cookbook([copy])


def test_a_recipe_of_a_service_centre_of_its_own_is_one_more_file(tmp_path: Path) -> None:
    folder = tmp_path / "cookbook" / "recipes"
    folder.mkdir(parents=True)
    text = (ROOT / "cookbook" / "recipes" / "TM-01.yaml").read_text(encoding="utf-8")
    text = text.replace("id: TM-01", "id: TM-90").replace("AllowAnonymousUsersToStartMeeting", "AllowCloudRecording")
    (folder / "TM-90.yaml").write_text(text.replace("item: Global", "item: Balie"), encoding="utf-8")
    assert "TM-90" in load_cookbook([ROOT, tmp_path]).recipes


def test_all_subjects_of_the_fact_table_have_their_recipes() -> None:
    counts: dict[str, int] = {}
    for name in book().recipes:
        counts[name[:2]] = counts.get(name[:2], 0) + 1
    assert counts == {"EN": 8, "EX": 5, "RT": 3, "SF": 8, "TA": 2, "TC": 2, "TE": 4, "TG": 5, "TM": 14, "TX": 4}


def test_every_recipe_is_a_control_and_names_two_languages() -> None:
    for recipe in book().recipes.values():
        control = control_of(recipe, book().terms)
        assert control.id == recipe.id
        for text in (recipe.file.title, recipe.file.why, recipe.file.impact, recipe.file.rollout):
            assert text.nl and text.en


def test_the_schemas_are_fresh() -> None:
    again = "run: ./ggi m365 schema"
    assert not stale(ROOT / "cookbook" / "schema", cookbook_schemas()), again


def test_every_file_names_its_schema() -> None:
    for path in (ROOT / "cookbook").glob("*/*.yaml"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        kind = path.parent.name.removesuffix("s")
        assert first == f"# yaml-language-server: $schema=../schema/{kind}.schema.json"


def inventory(tmp_path: Path, extra: str) -> Inventory:
    """The examples, with more in the file of Rijnstad."""
    shutil.copytree(ROOT / "inventories", tmp_path / "inventories")
    path = tmp_path / "inventories" / "m365" / "rijnstad.yaml"
    path.write_text(path.read_text(encoding="utf-8") + extra, encoding="utf-8")
    from ggi.catalogue.content import load_catalogue

    return Inventory(tmp_path / "inventories", load_catalogue(()).known)


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ("  recordingDays: 0\n", "is less than 1"),
        ("  recordingDays: lang\n", "is not of type integer"),
        ("  recordingWeeks: 2\n", "unknown key parameters.recordingWeeks"),
        ("  anonymousJoin: 1\n", "is not of type boolean"),
    ],
)
def test_a_wrong_parameter_is_told_with_file_and_line(tmp_path: Path, extra: str, told: str) -> None:
    tenant = find_m365(inventory(tmp_path, extra), "m365-rijnstad")
    with pytest.raises(InputError) as caught:
        targets(tenant, book())
    assert told in str(caught.value)
    assert "inventories/m365/rijnstad.yaml:" in str(caught.value)


def test_the_stage_of_a_recipe_wins_over_that_of_the_tenant_and_observe_is_the_default() -> None:
    stages = {target.id: target.stage for target in targets(rijnstad(), book())}
    assert stages["TM-01"] is Stage.APPLY
    assert stages["TG-03"] is Stage.PROPOSE
    assert stages["TM-02"] is Stage.OBSERVE


def test_a_recipe_whose_parameter_is_not_decided_is_not_judged(tmp_path: Path) -> None:
    found = find_m365(Inventory(ROOT / "inventories", inventory(tmp_path, "").known), "m365-gm9903")
    by_id = {target.id: target for target in targets(found, book())}
    assert by_id["TE-01"].undecided == ("partnerDomains",)
    assert not by_id["TM-10"].undecided


def test_a_tenant_is_found_by_its_stack_and_by_its_name(tmp_path: Path) -> None:
    place = inventory(tmp_path, "")
    assert find_m365(place, "rijnstad").stack == find_m365(place, "M365-Rijnstad").stack == "m365-rijnstad"
    assert find_m365(place, "m365-gm9903").file.serves == ["GM9903"]
    with pytest.raises(InputError, match="m365-rijnstad"):
        find_m365(place, "m365-rijnstat")
    with pytest.raises(InputError, match="m365-drieland"):
        find_m365(place, "m365-gm9902")


VALUES = st.one_of(st.booleans(), st.integers(1, 99), st.text("abcXYZ", min_size=1), st.lists(st.sampled_from("abc")))


@given(VALUES, VALUES)
def test_what_is_written_holds(one: object, other: object) -> None:
    assert holds("equal", one, to_write("equal", one, other))
    assert holds("one_of", [one, other], to_write("one_of", [one, other], None))
    listed = other if isinstance(other, list) else []
    assert holds("contains", ["a", "z"], to_write("contains", ["a", "z"], listed))
    assert set(listed) <= set(to_write("contains", ["a", "z"], listed))
    assert same(one, one)


def test_true_is_not_one_and_never_expiring_is_not_at_most_sixty() -> None:
    assert not same(True, 1)
    assert not holds("at_most", 60, -1)
    assert not holds("at_most", 60, 0)
    assert not holds("at_most", 60, True)
    assert same(["B", "a"], ["A", "b"])


def test_targets_of_the_example_are_all_decided() -> None:
    assert not [target.id for target in wanted() if target.undecided]
