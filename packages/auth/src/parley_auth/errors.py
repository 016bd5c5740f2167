"""What auth answers when it doesn't let a request through."""

from parley_core.errors import (
    AuthenticationError,
    AuthorizationError,
    BusinessRuleError,
    ConflictError,
    NotFoundError,
    RateLimitError,
)


class _BearerError(AuthenticationError):
    """401 with the challenge of RFC 6750, section 3; an error is named only where a token was sent."""

    challenge = 'Bearer error="invalid_token"'

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": self.challenge})


class AuthenticationRequired(_BearerError):
    code = "authentication_required"
    title = "This needs an access token"
    challenge = "Bearer"


class InvalidToken(_BearerError):
    code = "invalid_token"
    title = "The access token is not valid"


class TokenExpired(_BearerError):
    code = "token_expired"
    title = "The access token has expired"


class InvalidCredentials(_BearerError):
    """One answer for a wrong password, an unknown e-mail and an inactive account (ASVS 6.3.8)."""

    code = "invalid_credentials"
    title = "E-mail and password do not belong to an active account"
    challenge = "Bearer"


class RefreshReused(_BearerError):
    """A spent refresh token was used again, by its thief or after him: its session has ended (RFC 9700, 4.14.2)."""

    code = "refresh_reused"
    title = "The refresh token was used before; its session has ended"


class RefreshInProgress(ConflictError):
    code = "refresh_in_progress"
    title = "Another request has exchanged this refresh token at the same moment; use what it was answered"


class RateLimited(RateLimitError):
    code = "rate_limited"
    title = "Too many failed attempts; wait before the next one"


class PermissionDenied(AuthorizationError):
    code = "permission_denied"
    title = "Your role may not do this"


class NotAParticipant(AuthorizationError):
    code = "not_a_participant"
    title = "You do not take part in this"


class RegistrationClosed(AuthorizationError):
    code = "registration_closed"
    title = "Accounts are made by an administrator here"


class UserNotFound(NotFoundError):
    code = "user_not_found"
    title = "There is no such user"


class SessionNotFound(NotFoundError):
    code = "session_not_found"
    title = "You have no such session"


class DuplicateEmail(BusinessRuleError):
    code = "duplicate_email"
    title = "An account with this e-mail exists already"


class WeakPassword(BusinessRuleError):
    code = "weak_password"
    title = "This password is too short or too well known"


class WrongPassword(BusinessRuleError):
    code = "wrong_password"
    title = "The current password is not right"


class LastAdmin(BusinessRuleError):
    code = "last_admin"
    title = "The last active administrator can be neither demoted nor deactivated"
