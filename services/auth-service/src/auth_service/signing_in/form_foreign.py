"""A form that was not made for the browser that sends it."""

from common.errors import Refusal


class FormForeign(Refusal):
    """The form was not made for this browser, or its cookie is gone."""

    def __init__(self) -> None:
        super().__init__(
            "This form does not belong to this browser",
            status=403,
            slug="form-foreign",
            remedy="Open the page again, in a browser that keeps cookies, and send it from there.",
        )
