from lint.dependencies import MODULES, NEEDED_UNIMPORTED, declared, list_members


def test_every_row_is_of_a_distribution_that_a_member_declares() -> None:
    distributions = {name for member in list_members() for name in declared(member)}
    assert {*MODULES, *NEEDED_UNIMPORTED} <= distributions
