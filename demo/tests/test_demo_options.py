import typer
from typer.testing import CliRunner

from channel_demo.__main__ import demo

app = typer.Typer()
app.command()(demo)


def test_a_catalogue_without_its_configuration_ends_with_the_next_step() -> None:
    result = CliRunner().invoke(app, ["--catalogue", "README.md"])
    assert result.exit_code == 2
    assert "go together" in result.output
