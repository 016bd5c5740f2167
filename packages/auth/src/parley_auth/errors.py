"""The errors that auth answers with."""

from parley_core.errors import (
    AuthenticationError,
    AuthorizationError,
    BusinessRuleError,
    ConflictError,
    NotFoundError,
    RateLimitError,
)


class _BearerError(AuthenticationError):
    """401 with the challenge of RFC 6750, section 3; it names an error only when a token was sent."""

    challenge = 'Bearer error="invalid_token"'

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": self.challenge})


class AuthenticationRequired(_BearerError):
    code = "authentication_required"
    title = "An access token or an API key is required: send it as `Authorization: Bearer`"
    challenge = "Bearer"


class InvalidToken(_BearerError):
    code = "invalid_token"
    title = "The access token is not valid"


class TokenExpired(_BearerError):
    code = "token_expired"
    title = "The access token has expired: refresh it or log in again"


class InvalidCredentials(_BearerError):
    """One answer for a wrong password, an unknown e-mail and an inactive account (ASVS 6.3.8)."""

    code = "invalid_credentials"
    title = "No active account has this e-mail and this password"
    challenge = "Bearer"


class RefreshReused(_BearerError):
    """A spent refresh token was used again, by a thief or by the owner: its session ends (RFC 9700, 4.14.2)."""

    code = "refresh_reused"
    title = "The refresh token was used before, so its session has ended: log in again"


class RefreshInProgress(ConflictError):
    code = "refresh_in_progress"
    title = "Another request is exchanging this refresh token: use the tokens in that answer"


class RateLimited(RateLimitError):
    code = "rate_limited"
    title = "Too many attempts: wait for the time in Retry-After"


class PermissionDenied(AuthorizationError):
    code = "permission_denied"
    title = "Your role, your part in this resource, or your API key does not permit this"


class NotAParticipant(AuthorizationError):
    code = "not_a_participant"
    title = "Only participants may do this"


class RegistrationClosed(AuthorizationError):
    code = "registration_closed"
    title = "Registration is closed: ask an administrator to create an account"


class UserNotFound(NotFoundError):
    code = "user_not_found"
    title = "There is no such user"


class SessionNotFound(NotFoundError):
    code = "session_not_found"
    title = "You have no session with this id"


class KeyNotFound(NotFoundError):
    code = "key_not_found"
    title = "There is no such API key"


class DuplicateEmail(BusinessRuleError):
    code = "duplicate_email"
    title = "An account with this e-mail already exists"


class InactiveUser(BusinessRuleError):
    code = "inactive_user"
    title = "This user's account is not active; reactivate it first"


class InvalidLink(BusinessRuleError):
    """One answer for a used, replaced, expired, foreign or unknown link, and for that of an inactive account."""

    code = "invalid_link"
    title = "The link is not valid, no longer or never was: ask an administrator for a new one"


class PasswordExists(BusinessRuleError):
    code = "password_exists"
    title = "This account has a password, so it needs no invitation: create a link with the purpose reset"


class NoPassword(BusinessRuleError):
    code = "no_password"
    title = "This account has no password yet: create a link with the purpose invitation"


class WeakPassword(BusinessRuleError):
    code = "weak_password"
    title = "The password is too short or too common"


class WrongPassword(BusinessRuleError):
    code = "wrong_password"
    title = "The current password is wrong"


class LastAdmin(BusinessRuleError):
    code = "last_admin"
    title = "The last active administrator must stay one: give another account the role admin first"


class TooManyKeys(BusinessRuleError):
    code = "too_many_keys"
    title = "You have 50 API keys: revoke one that is not needed any more"
