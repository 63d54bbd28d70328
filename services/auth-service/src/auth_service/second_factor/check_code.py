"""Enrol, confirm and ask for a second factor, and keep its seal under the current master key."""

from dataclasses import dataclass

from auth_service.people.person import Person
from auth_service.sealing.token_vault import TokenVault
from auth_service.second_factor import store
from auth_service.second_factor.totp import (
    hash_of_recovery_code,
    new_recovery_codes,
    new_totp_secret,
    provisioning_uri,
    step_of_code,
)
from common import clock
from common.errors import NotFound, Refusal
from common.postgres.audit import record
from common.postgres.pool import Connection

JOB = "rotate-second-factors"
ROWS = 100


class CodeWrong(Refusal):
    """The second factor's code is wrong, was taken before, or is too old."""

    def __init__(self) -> None:
        super().__init__(
            "the code is wrong",
            status=401,
            slug="code-wrong",
            field="code",
            remedy="Type the code your app shows now; each is taken once. Or use a recovery code.",
        )


class CodeNeeded(Refusal):
    """The password is right, and a code is needed beside it."""

    def __init__(self) -> None:
        super().__init__(
            "a code of your second factor is needed",
            status=401,
            slug="code-needed",
            field="code",
            remedy="Send the code your app shows, or a recovery code, with the password.",
        )


@dataclass(frozen=True)
class Enrolment:
    """A new factor's secret, shown this once."""

    secret: str
    uri: str


async def enrol(connection: Connection, vault: TokenVault, person: Person) -> Enrolment:
    """A secret for the person's app; it counts once a code of it is confirmed. Raises `Refusal`
    where a factor is in use."""
    secret = new_totp_secret()
    sealed = vault.seal(secret, store.FactorOwner(person.person_id))
    if not await store.save_factor(connection, person.person_id, sealed):
        raise Refusal(
            "a second factor is in use already",
            status=409,
            slug="second-factor-in-use",
            remedy="Disable it first, then enrol the new one.",
        )
    return Enrolment(secret, provisioning_uri(secret, person.email))


async def confirm(
    connection: Connection, vault: TokenVault, person: Person, code: str
) -> list[str]:
    """The factor is asked for from now on: its recovery codes, shown this once.

    Raises `NotFound` without one that waits, `CodeWrong`.
    """
    factor = await store.lock_factor(connection, person.person_id)
    if factor is None or factor.confirmed_at is not None:
        raise NotFound("second factor to confirm", remedy="Enrol one first.")
    await _take_totp(connection, vault, person.person_id, factor, code)
    codes = new_recovery_codes()
    await store.replace_codes(
        connection,
        person.person_id,
        [hash_of_recovery_code(person.person_id, each) for each in codes],
    )
    await record(connection, "second-factor.confirmed", person.email)
    return codes


async def require_code(
    connection: Connection, vault: TokenVault, person: Person, code: str | None
) -> None:
    """What a sign-in asks beside the password. Raises `CodeNeeded` and `CodeWrong`."""
    factor = await store.lock_factor(connection, person.person_id)
    if factor is None or factor.confirmed_at is None:
        return
    if not code:
        raise CodeNeeded
    typed = "".join(code.split())
    if typed.isdigit():
        await _take_totp(connection, vault, person.person_id, factor, typed)
        return
    hashed = hash_of_recovery_code(person.person_id, code)
    if not await store.use_code(connection, person.person_id, hashed):
        raise CodeWrong
    left = await store.count_unused_codes(connection, person.person_id)
    await record(connection, "second-factor.recovery-code-used", person.email, {"left": left})


async def disable(connection: Connection, person: Person) -> None:
    """Forget the factor. Raises `NotFound` without one."""
    if not await store.delete_factor(connection, person.person_id):
        raise NotFound("second factor", remedy="There is none to disable.")
    await record(connection, "second-factor.disabled", person.email)


async def _take_totp(
    connection: Connection, vault: TokenVault, person_id: str, factor: store.Factor, code: str
) -> None:
    secret = vault.open(factor.sealed, store.FactorOwner(person_id))
    step = step_of_code(secret, code, clock.now(), after=factor.last_step)
    if step is None:
        raise CodeWrong
    await store.take_step(connection, person_id, step)
