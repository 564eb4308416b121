"""idpyoidc beyond signing people in: programs, exchange, introspection, revocation, its own
registration, and authorization details."""

import json
import logging

from cryptojwt.jws.jws import factory
from idpyoidc.client.exception import ResponseError

from machine import added, machines, program
from person import Person
from rp import BACK, handler, register, services, walk
from server import Server

BASIC = {"authn_method": "client_secret_basic"}
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
PAYMENT = {"type": "payment", "actions": ["initiate"], "amount": "12.50 EUR"}


def client(server, made, *use):
    """One that is not for people: `made` is what the operator was told."""
    secret = made.get("client_secret") or made["secret"]
    own = {"client_id": made.get("client_id") or made["id"], "client_secret": secret}
    return handler(server, services(*use), "client_secret_basic", **own).client_setup("gerege")


def looks(server, made, token):
    """What a service is told of a token."""
    service = client(server, made, "introspection")
    return service.do_request("introspection", request_args={"token": token}, **BASIC)


def revoke(own, token, **more):
    """RFC 7009 2.2 has an answer without a body, and the client look at its status alone; the
    library asks with the right words, and then stumbles over the empty body."""
    try:
        asked = {"token": token, **more}
        return own.do_request("token_revocation", request_args=asked, **BASIC)
    except ResponseError as why:
        assert str(why) == "Missing or faulty response", why


def a_program_asks_for_itself_and_a_service_looks(server):
    reef, quay = machines(server, "reef"), machines(server, "quay")
    own = client(server, program(server, "diver", "reef"), "client_credentials", "token_revocation")
    ask = {"scope": ["reef"]}
    token = own.do_request("client_credentials", request_args=ask, **BASIC)
    assert token["scope"] == ["reef"] and token["token_type"] == "Bearer", token
    told = looks(server, reef, token["access_token"])
    assert told["active"] is True and told["client_id"] == "diver", told
    assert told["aud"] == ["https://reef.example"] and "username" not in told, told
    assert looks(server, quay, token["access_token"]).to_dict() == {"active": False}
    assert looks(server, reef, "made-up").to_dict() == {"active": False}
    refused = own.do_request("client_credentials", request_args={"scope": ["quay"]}, **BASIC)
    assert refused["error"] == "invalid_scope", refused
    # Its own token it cannot take back, and is told so.
    refused = revoke(own, token["access_token"])
    assert refused["error"] == "unsupported_token_type", refused


def a_service_passes_a_person_on_until_the_app_revokes(server):
    gate, yard = (
        added(server, "service", name, "--audience", f"https://{name}.example", "--scope", name)
        for name in ("gate", "yard")
    )
    words = ["--service", "gate", "--exchange", "yard", "--scope", "yard"]
    made = added(server, "client", "gate-server", "--grant", "token_exchange", *words)
    passes = client(server, made, "token_exchange")
    server.seen("yard")
    own = register(server, "rp-gate", "--scope", "openid offline_access gate yard")
    use = services("token_revocation")
    scope = ["openid", "offline_access", "gate", "yard"]
    rp = handler(server, use, "client_secret_basic", scopes_supported=scope, **own)
    # The authorization request may name the service; the library passes the parameter on.
    done = walk(server, rp, Person(server.issuer), " ".join(scope), resource="https://gate.example")
    asked = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": done["token"],
        "subject_token_type": ACCESS_TOKEN,
        "audience": ["yard"],
        "scope": ["yard"],
    }
    passed = passes.do_request("token_exchange", request_args=asked, **BASIC)
    assert passed.get("issued_token_type") == ACCESS_TOKEN, passed
    told = looks(server, yard, passed["access_token"])
    assert told["username"] == "temuulen" and told["act"] == {"sub": "gate-server"}, told
    refused = passes.do_request(
        "token_exchange", request_args={**asked, "audience": ["gate"]}, **BASIC
    )
    assert refused["error"] == "invalid_target", refused
    # What the app gives back ends what was made of it.
    app = rp.issuer2rp[server.issuer]
    refresh = app.get_context().cstate.get(done["state"])["refresh_token"]
    assert revoke(app, refresh, token_type_hint="refresh_token") is None
    assert looks(server, gate, done["token"]).to_dict() == {"active": False}
    assert looks(server, yard, passed["access_token"]).to_dict() == {"active": False}


def a_relying_party_reads_its_own_registration(server):
    rp = handler(
        server,
        services("registration", "read_registration"),
        "client_secret_basic",
        scopes_supported=["openid"],
        grant_types_supported=["authorization_code"],
    )
    app = rp.client_setup("gerege")
    read = app.do_request("registration_read")
    assert read["client_id"] == app.get_client_id() and read["redirect_uris"] == [BACK], read
    assert "registration_access_token" in read, read
    # With another's token it reads nothing.
    kept = app.get_context().registration_response
    kept["registration_access_token"] = kept["registration_access_token"][:-4] + "AAAA"
    assert app.do_request("registration_read")["error"] == "invalid_token"


def a_payment_asked_for_in_detail(server):
    words = ["--audience", "https://till.example", "--scope", "till", "--detail-type", "payment"]
    till = added(server, "service", "till", *words)
    server.seen("till")
    own = register(server, "rp-shop", "--scope", "openid till", "--detail-type", "payment")
    rp = handler(
        server, services(), "client_secret_basic", scopes_supported=["openid", "till"], **own
    )
    person, seen = Person(server.issuer), []

    def wish(type):
        return {"authorization_details": json.dumps([{**PAYMENT, "type": type}])}

    def opens(url):
        seen.append(person.sign_in(person.go(url), "temuulen").text)
        return url

    done = walk(server, rp, person, "openid till", opens, **wish("payment"))
    assert "12.50 EUR" in seen[0] and "&quot;initiate&quot;" in seen[0]
    given = rp.issuer2rp[server.issuer].get_context().cstate.get(done["state"])
    assert given["authorization_details"] == [PAYMENT], given
    assert factory(done["token"]).jwt.payload()["authorization_details"] == [PAYMENT]
    assert looks(server, till, done["token"])["authorization_details"] == [PAYMENT]
    # One of a type that is not on file comes back refused.
    asked = {"scope": ["openid", "till"], **wish("loan")}
    answer = person.go(rp.begin("gerege", req_args=asked))
    assert "error=invalid_authorization_details" in answer, answer


def run():
    logging.getLogger("idpyoidc").setLevel(logging.CRITICAL)
    settings = {"REGISTRATION__MODE": "open", "REGISTRATION__SCOPES": "openid"}
    with Server(PASSWORD__MEMORY_KIB=8, **settings) as server:
        person = Person(server.issuer)
        person.sign_up(person.go("/signup"), "temuulen")
        for test in (
            a_program_asks_for_itself_and_a_service_looks,
            a_service_passes_a_person_on_until_the_app_revokes,
            a_relying_party_reads_its_own_registration,
            a_payment_asked_for_in_detail,
        ):
            yield f"idpyoidc: {test.__name__.replace('_', ' ')}", lambda test=test: test(server)
