"""authlib for what an app is allowed in detail (RFC 9396), and manages by a name (Grant Management):
it passes on what it does not know, and reads tokens and answers as they come."""

import json
from urllib.parse import parse_qs, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jws

from machine import CONFIGURATION, added, refused
from person import Person
from server import Server

BACK = "https://shop.example/back"
PAYMENT = {
    "type": "payment",
    "actions": ["initiate"],
    "amount": "12.50 EUR",
    "creditor": "<b>Saraa</b>",
}
LOAN = {"type": "loan", "actions": ["ask"]}


def shop(server, name, scope, *more):
    """An app of another party, which is asked for consent."""
    words = ["--redirect", BACK, "--scope", scope, *more]
    made = added(server, "client", name, *words)
    own = {"redirect_uri": BACK, "code_challenge_method": "S256"}
    return OAuth2Session(made["client_id"], made["client_secret"], **own)


def answered(server, app, person, scope, **more):
    """What comes back to the app, and what it redeems a code with."""
    at = server.read(CONFIGURATION)
    verifier = generate_token(48)
    url, state = app.create_authorization_url(
        at["authorization_endpoint"], code_verifier=verifier, scope=scope, **more
    )
    return person.allow(url), {"state": state, "code_verifier": verifier}


def granted(server, app, person, scope, **more):
    away, checks = answered(server, app, person, scope, **more)
    to = server.read(CONFIGURATION)["token_endpoint"]
    return app.fetch_token(to, authorization_response=away, **checks)


def refused_by_redirect(server, app, person, scope, error, **more):
    away, _ = answered(server, app, person, scope, **more)
    assert parse_qs(urlsplit(away).query)["error"] == [error], away


def a_payment_asked_for_in_detail(server):
    at = server.read(CONFIGURATION)
    words = ["--audience", "https://till.example", "--scope", "till", "--detail-type", "payment"]
    till = added(server, "service", "till", *words, "--detail-type", "loan")
    server.seen("till")
    scope = "openid offline_access till"
    app = shop(server, "shop", scope, "--detail-type", "payment")
    verifier, wish = generate_token(48), json.dumps([PAYMENT])
    url, state = app.create_authorization_url(
        at["authorization_endpoint"],
        code_verifier=verifier,
        scope=scope,
        authorization_details=wish,
    )
    # The library has no step for pushing.
    query = url.split("?")[1]
    pushed = requests.post(
        at["pushed_authorization_request_endpoint"],
        query,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        auth=(app.client_id, app.client_secret),
        timeout=30,
    ).json()
    person = Person(server.issuer)
    to = f"{at['authorization_endpoint']}?client_id=shop&request_uri={pushed['request_uri']}"
    page = person.sign_in(person.go(to), "temuulen")
    for words in ("&quot;initiate&quot;", "12.50 EUR", "&lt;b&gt;Saraa"):
        assert words in page.text, words
    token = app.fetch_token(
        at["token_endpoint"],
        authorization_response=person.submit(page, decision="allow"),
        state=state,
        code_verifier=verifier,
    )
    assert token["authorization_details"] == [PAYMENT], token
    claims = json.loads(jws.extract_compact(token["access_token"].encode()).payload)
    assert claims["authorization_details"] == [PAYMENT], claims
    service = OAuth2Session("till", till["secret"])
    told = service.introspect_token(
        at["introspection_endpoint"], token=token["access_token"]
    ).json()
    assert told["authorization_details"] == [PAYMENT], told
    assert app.refresh_token(at["token_endpoint"])["authorization_details"] == [PAYMENT]
    # A type that the app is not registered for; what was allowed, narrowed at the token endpoint.
    error = "invalid_authorization_details"
    for details in ([LOAN], PAYMENT):
        ask = {"authorization_details": json.dumps(details)}
        refused_by_redirect(server, app, person, scope, error, **ask)
    refused(lambda: app.refresh_token(at["token_endpoint"], authorization_details=wish), error)


def an_app_manages_what_it_was_allowed(server):
    at = server.read(CONFIGURATION)
    manage = "grant_management_query grant_management_revoke"
    scope = "openid profile email offline_access"
    grants = ["authorization_code", "refresh_token", "client_credentials"]
    grants = [word for grant in grants for word in ("--grant", grant)]
    app = shop(server, "ledger", f"{scope} {manage}", *grants)
    own = OAuth2Session("ledger", app.client_secret, scope=manage)
    own.fetch_token(at["token_endpoint"], grant_type="client_credentials")
    person = Person(server.issuer)

    def grant(scope, **more):
        return granted(server, app, person, scope, **more)

    def read():
        return own.get(to).json()["scopes"][0]["scope"].split()

    first = grant("openid offline_access", grant_management_action="create")
    name = first["grant_id"]
    to = f"{at['grant_management_endpoint']}/{name}"
    assert read() == ["openid", "offline_access"]
    second = grant("openid profile", grant_management_action="merge", grant_id=name)
    assert second["grant_id"] == name and set(read()) == {"openid", "offline_access", "profile"}
    third = grant("openid email offline_access", grant_management_action="replace", grant_id=name)
    assert set(read()) == {"openid", "email", "offline_access"}
    # Those from before give nothing any more.
    refused(
        lambda: app.refresh_token(at["token_endpoint"], refresh_token=first["refresh_token"]),
        "invalid_grant",
    )
    app.token = third
    assert app.get(to).status_code == 403, "it was not asked for with the scope"
    wish = {"grant_management_action": "replace", "grant_id": name}
    app.token = grant(f"openid email offline_access {manage}", **wish)
    assert set(app.get(to).json()["scopes"][0]["scope"].split()) == set(read())
    assert own.delete(to).status_code == 204
    assert own.get(to).status_code == 404
    refused(lambda: app.refresh_token(at["token_endpoint"]), "invalid_grant")
    gone = {"grant_management_action": "merge", "grant_id": name}
    refused_by_redirect(server, app, person, "openid", "invalid_grant_id", **gone)


def run():
    with Server(PASSWORD__MEMORY_KIB=8) as server:
        person = Person(server.issuer)
        person.sign_up(person.go("/signup"), "temuulen")
        for test in (a_payment_asked_for_in_detail, an_app_manages_what_it_was_allowed):
            yield f"authlib: {test.__name__.replace('_', ' ')}", lambda test=test: test(server)
