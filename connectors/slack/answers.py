"""What Slack's answers mean for a delivery, each with what the shop can do about it.

https://docs.slack.dev/reference/methods/chat.postMessage#errors and
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/#handling-errors
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from hub.connector import Ambiguous, ConfigError, Failure, Permanent, RateLimited

_NEW_TOKEN = "Copy the bot token (xoxb-…) from the app's page “OAuth & Permissions” into “token”."
_NEW_WEBHOOK = "Make a new webhook on the app's page “Incoming Webhooks” and put its address into “webhook_url”."


class MessageRefused(Permanent):
    """What stands in the message is not taken; another may be."""


#: The credentials do not work: error and remedy.
_CREDENTIALS: Mapping[str, str] = {
    "invalid_auth": _NEW_TOKEN,
    "not_authed": _NEW_TOKEN,
    "token_revoked": _NEW_TOKEN,
    "token_expired": _NEW_TOKEN,
    "not_allowed_token_type": _NEW_TOKEN,
    "account_inactive": "The app was removed from the workspace. Install it again and renew “token”.",
    "org_login_required": "The workspace is being moved by Slack. Try again later, or renew “token”.",
    "team_access_not_granted": "Install the app in this workspace and renew “token”.",
    "ekm_access_denied": "An administrator of the workspace has to allow the app to post.",
    "no_permission": "Give the app the scope chat:write, install it again and renew “token”.",
    "access_denied": "An administrator of the workspace has to allow the app.",
    "no_service": _NEW_WEBHOOK,
    "no_active_hooks": _NEW_WEBHOOK,
    "no_team": _NEW_WEBHOOK,
    "team_disabled": _NEW_WEBHOOK,
    "invalid_token": _NEW_WEBHOOK,
}

#: It will never work as it is: error, what is wrong and the remedy. ``{channel}`` is the rule's.
_FINAL: Mapping[str, str] = {
    "channel_not_found": "The app sees no channel {channel}. Correct its name; in a private channel, type  /invite @"
    "your-app  there.",
    "not_in_channel": "The app is not in {channel}. Type  /invite @your-app  in that channel.",
    "is_archived": "{channel} is archived. Unarchive it, or name another channel in the rule.",
    "channel_is_archived": "The webhook's channel is archived. Unarchive it, or make a webhook for another one.",
    "restricted_action": "The workspace does not let the app post in {channel}. Ask an administrator.",
    "restricted_action_read_only_channel": "{channel} is read-only. Name another channel in the rule.",
    "restricted_action_thread_only_channel": "{channel} takes replies only. Name another channel in the rule.",
    "action_prohibited": "The workspace does not let the webhook post. Ask an administrator.",
    "posting_to_general_channel_denied": "Only some people may post in that channel. Name another one.",
    "message_not_found": "There is no such message in {channel}. Was it deleted?",
    "cant_update_message": "Only messages that this app has posted can be changed.",
    "edit_window_closed": "The workspace does not let messages be changed after so long.",
}

#: So it cannot be said: error, what is wrong and the remedy.
_REFUSED: Mapping[str, str] = {
    "msg_too_long": "The text is too long for Slack. Shorten it in the rule:  | truncate(3000)",
    "msg_blocks_too_long": "The blocks are too long for Slack. Shorten their texts in the rule:  | truncate(500)",
    "invalid_blocks": "Slack does not take the blocks. Try them in Slack's Block Kit Builder.",
    "invalid_blocks_format": "Slack does not take the blocks. Try them in Slack's Block Kit Builder.",
    "no_text": "There is no text to post. Check the rule's “text”.",
    "invalid_payload": "Slack could not read the message. Check the rule's “text”.",
}

#: Slack broke down in the middle; the message may be there.
_DOUBTFUL = {
    "fatal_error",
    "internal_error",
    "request_timeout",
    "service_unavailable",
    "team_added_to_org",
    "rollup_error",
    # Slack knows the client_msg_id, but not where the message went.
    "duplicate_message_not_found",
    "duplicate_channel_not_found",
}
_RATE_LIMITED = {"ratelimited", "rate_limited"}

#: A 429 without its Retry-After; Slack's budgets are per minute.
_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(hours=1)


def failure(status: int, error: str, retry_after: str, channel: str, needed: str = "") -> Failure:
    """What a refusal means. ``error``: Slack's word; ``needed``: the scopes it asks for."""
    if status == 429 or error in _RATE_LIMITED:
        return RateLimited("Slack asks to wait: too many messages.", _wait(retry_after))
    if status >= 500 or error in _DOUBTFUL:
        return Ambiguous(f"Slack failed ({status if status >= 500 else error}); the message may be there all the same.")
    if error == "missing_scope":
        hint = f"Add the scope {needed or 'chat:write'} on the app's page “OAuth & Permissions” and renew “token”."
        return ConfigError("The Slack app lacks a permission.", hint)
    if error in _CREDENTIALS:
        return ConfigError(f"Slack does not accept the credentials ({error}).", _CREDENTIALS[error])
    if error in _FINAL:
        return Permanent(_FINAL[error].format(channel=channel))
    if error in _REFUSED:
        return MessageRefused(_REFUSED[error])
    if not error.replace("_", "").isalnum():
        return ConfigError(f"This is not Slack: it answers {status}.", "Correct “base_url” or “webhook_url”.")
    return MessageRefused(f"Slack refused the message: {error}.")


def _wait(retry_after: str) -> timedelta:
    if not retry_after.isascii() or not retry_after.isdigit():
        return _WAIT
    return min(timedelta(seconds=int(retry_after[:9])), _LONGEST_WAIT)
