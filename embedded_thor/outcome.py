"""How an action ends."""

from dataclasses import dataclass


class ActionFailed(Exception):
    """An action refused.

    Messages are AI2-THOR's where programs are known to read them. `code` is one of AI2-THOR's error
    codes; for four of them (InvalidArgument, ...) the Controller raises ValueError.
    """

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Outcome:
    """How an agent's last action ended; value: what it returns, as it goes out."""

    action: str = "Initialize"
    success: bool = True
    message: str = ""
    code: str | None = None
    value: object = None
