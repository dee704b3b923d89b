"""The arms of the downstream comparison, their names, and which of them are held against each other."""

from craft.evaluation.downstream.arms import Arm, list_arms, list_pairs


def test_arms_are_real_images_every_method_and_both_in_every_ratio():
    names = [arm.name for arm in list_arms(["a", "b"], [1.0, 2.5])]
    assert names == ["real", "a", "b", "real+a", "real+a@2.5", "real+b", "real+b@2.5"]


def test_a_name_says_all_of_an_arm():
    for arm in list_arms(["a", "b"], [1.0, 2.5]):
        assert Arm.parse(arm.name) == arm


def test_synthetic_images_are_held_against_real_ones_and_rewarded_ones_against_the_same_arm_without_reward():
    arms = [arm.name for arm in list_arms(["lora", "craft"], [1.0, 2.0])]
    pairs = list(list_pairs(arms, ["lora", "craft", "draft"], ["craft", "draft"]))
    assert pairs[: len(arms) - 1] == [(arm, "real") for arm in arms[1:]]
    assert pairs[len(arms) - 1 :] == [("craft", "lora"), ("real+craft", "real+lora"), ("real+craft@2", "real+lora@2")]


def test_an_arm_that_is_not_there_is_not_compared():
    assert list(list_pairs(["real+craft", "lora"], ["lora", "craft"], ["craft"])) == []
