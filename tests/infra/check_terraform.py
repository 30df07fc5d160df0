"""The Terraform files by themselves: form, validity, and their own tests with a mocked provider."""

from musicrec.stack import INFRA_DIRECTORY


def test_files_are_formatted(terraform):
    """`terraform fmt` has nothing to change; it names what it would."""
    terraform.run("fmt", "-check", "-recursive", str(INFRA_DIRECTORY))


def test_files_are_valid(terraform):
    """Every reference, argument and type fits the provider's schema."""
    terraform.run("validate")


def test_their_own_tests_pass(terraform):
    """The assertions of infra/tests hold."""
    assert "0 failed" in terraform.run("test")
