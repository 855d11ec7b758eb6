"""How attributes are named on the command line."""

import pytest

from facevae.errors import UserError
from facevae.exploration.edits import wanted_attributes

NAMES = ("Smiling", "No_Beard", "Eyeglasses")


def test_no_before_a_name_says_no_unless_it_belongs_to_the_name():
    assert wanted_attributes(NAMES, ["smiling", "no_Eyeglasses"]) == {"Smiling": True, "Eyeglasses": False}
    assert wanted_attributes(NAMES, ["No_Beard"]) == {"No_Beard": True}
    assert wanted_attributes(NAMES, ["no_No_Beard"]) == {"No_Beard": False}


@pytest.mark.parametrize(
    ("given", "message"),
    [(["Smilling"], "Did you mean Smiling"), (["Smiling", "no_Smiling"], "Smiling twice")],
)
def test_unknown_and_repeated_names_are_refused(given, message):
    with pytest.raises(UserError, match=message):
        wanted_attributes(NAMES, given)
