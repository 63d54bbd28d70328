"""Refusals of the two gateways and of the business behind them, each in its documented form.

    GatewayError    the call never reached the business: signature, token, parameters, limits
    Refusal         the business said no: a code and a message inside the answer

The names marked "assumed" in README.md were not found in the documentation.
"""

from typing import Any

LIMIT_CODE = "ApiCallLimit"


class GatewayError(Exception):
    """A refusal both gateways know, each under its own code.

    `kind` is ISV (the request), ISP (the service behind) or SYSTEM (the platform); `name` the new
    gateway's code, `number` the old one's.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        number: int,
        message: str,
        *,
        sub_code: str = "",
        sub_message: str = "",
        is_old_form: bool = False,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.name = name
        self.number = number
        self.message = message
        self.sub_code = sub_code
        self.sub_message = sub_message
        self.is_old_form = is_old_form

    @property
    def code(self) -> str:
        """What the call counts file it under."""
        return self.sub_code or self.name

    def body(self, gateway: str, request_id: str) -> dict[str, Any]:
        """The answer's body on `sync`, `rest` or `old`.

        What `is_old_form` keeps the old form on `/sync` too, as failures of the service behind do.
        """
        if gateway == "rest":
            return {
                "type": self.kind,
                "code": self.name,
                "message": self.sub_message or self.message,
                "request_id": request_id,
            }
        inner: dict[str, Any]
        if gateway == "old" or self.is_old_form:
            inner = {"code": self.number, "msg": self.message}
            if self.sub_code:
                inner |= {"sub_code": self.sub_code, "sub_msg": self.sub_message}
        else:
            inner = {"type": self.kind, "code": self.name, "msg": self.message}
        return {"error_response": inner | {"request_id": request_id}}


class Refusal(Exception):
    """The business turns something down, in words and a code of its own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def missing_parameter(name: str) -> GatewayError:
    """A parameter the method needs was not sent."""
    return GatewayError(
        "ISV",
        "MissingParameter",
        40,
        f"Missing required arguments:{name}",
        sub_code="isv.missing-parameter",
        sub_message=f"The mandatory parameter {name} is missing",
    )


def invalid_parameter(message: str) -> GatewayError:
    """A parameter the service behind cannot take (the documentation shows code 50)."""
    return GatewayError(
        "ISV",
        "InvalidParameter",
        50,
        "Remote service error",
        sub_code="isv.invalid-parameter",
        sub_message=message,
        is_old_form=True,
    )


def not_permitted(sub_code: str, message: str) -> GatewayError:
    """The app or its address may not do this; the old gateway's form on both."""
    return GatewayError(
        "ISV",
        "InsufficientPermission",
        11,
        "Insufficient isv permissions",
        sub_code=sub_code,
        sub_message=message,
        is_old_form=True,
    )


def action_not_allowed(method: str) -> GatewayError:
    """Only GET and POST."""
    return GatewayError("ISV", "InvalidHttpMethod", 9, f"Http Action Not Allowed: {method}")


def missing_method() -> GatewayError:
    """No method was named."""
    return GatewayError("ISV", "MissingParameter", 21, "Missing method")


def invalid_method(name: str) -> GatewayError:
    """There is no such method."""
    return GatewayError("ISV", "InvalidApiPath", 22, f"Invalid method: {name}")


def invalid_format() -> GatewayError:
    """XML, or on the old gateway no format, which means XML there."""
    return GatewayError(
        "ISV", "InvalidFormat", 23, "Invalid format: only json is answered here; send format=json"
    )


def missing_signature() -> GatewayError:
    """The call carries no signature."""
    return GatewayError("ISV", "MissingParameter", 24, "Missing signature")


def invalid_signature() -> GatewayError:
    """The signature is not the one of what was sent."""
    return GatewayError("ISV", "IncompleteSignature", 25, _SIGNATURE_MESSAGE)


_SIGNATURE_MESSAGE = "The request signature does not conform to platform standards"


def missing_token() -> GatewayError:
    """A business method was called without a token."""
    return GatewayError("ISV", "IllegalAccessToken", 26, "Missing session")


def dead_token() -> GatewayError:
    """The token expired, was revoked or never was one."""
    return GatewayError(
        "ISV", "IllegalAccessToken", 27, "The specified access token is invalid or expired"
    )


def invalid_code() -> GatewayError:
    """The authorisation code was used, expired or never was one."""
    return GatewayError("ISV", "InvalidCode", 41, "The specified code is invalid")


def dead_refresh_token() -> GatewayError:
    """The refresh token expired, was revoked, never was one or is of no use."""
    return GatewayError(
        "ISV", "IllegalRefreshToken", 41, "The specified refresh token is invalid or expired"
    )


def missing_app_key() -> GatewayError:
    """The call names no app."""
    return GatewayError("ISV", "MissingParameter", 28, "Missing app key")


def invalid_app_key() -> GatewayError:
    """There is no such app."""
    return GatewayError("ISV", "InvalidAppKey", 29, "The specified App Key is invalid")


def missing_timestamp() -> GatewayError:
    """The call carries no time."""
    return GatewayError("ISV", "MissingParameter", 30, "Missing timestamp")


def invalid_timestamp() -> GatewayError:
    """The call's time is not readable or too far from now."""
    return GatewayError("ISV", "InvalidTimestamp", 31, "The specified timestamp is invalid")


def missing_version() -> GatewayError:
    """The old gateway wants `v=2.0`."""
    return GatewayError("ISV", "MissingParameter", 32, "Missing version")


def body_too_large(limit: int) -> GatewayError:
    """More bytes than the sandbox reads."""
    return GatewayError("ISV", "InvalidParameter", 41, f"Body over {limit} bytes")


def limited(scope: str, seconds: int, *, is_old_form: bool = False) -> GatewayError:
    """A quota or rate is used up for `seconds` more.

    `scope` is `app-access-count`, `api-access-count` or `app-api-access-count`.
    """
    ban = f"This ban will last for {max(seconds, 1)} more seconds"
    return GatewayError(
        "SYSTEM",
        LIMIT_CODE,
        7,
        f"App Call Limited. {ban}",
        sub_code=f"accesscontrol.limited-by-{scope}",
        sub_message=ban,
        is_old_form=is_old_form,
    )
