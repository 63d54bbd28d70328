import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--storm", choices=["short", "long"], default="short")
