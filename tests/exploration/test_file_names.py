"""Names of pictures: two that were made differently do not have the same."""

from facevae.exploration.file_names import faces_in_name, options_in_name, stem


def test_options_that_are_not_the_default_are_in_the_name():
    assert options_in_name(count=(40, 40), seed=(0, 0)) == ""
    assert options_in_name(count=(12, 40), temperature=(0.7, 1.0), seed=(0, 0)) == "-count-12-temperature-0.7"


def test_faces_are_in_the_name_and_many_as_a_number_that_tells_them_apart():
    assert faces_in_name(["3", "me.jpg"], [], []) == "_3_me"
    many, others = (faces_in_name([str(n) for n in range(first, first + 5)], [], []) for first in (0, 1))
    assert many.startswith("_5_faces_")
    assert many != others


def test_another_alignment_is_another_name():
    names = {faces_in_name(["me.jpg"], eyes, []) for eyes in ([], [((1, 2), (3, 4))], [((1, 2), (3, 5))])}
    assert len(names) == 3


def test_a_file_named_like_a_number_is_not_that_face():
    assert stem("12") == "12"
    assert stem("photographs/12.jpg") == "12.jpg"
    assert stem("photographs/me.jpg") == "me"
