"""idpyoidc as a relying party: registered by the operator or by itself, DPoP, signed requests,
refresh, sign-out on either side, and approve on your phone."""

import json
import logging
import queue
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from cryptojwt import KeyJar
from cryptojwt.exception import BadSignature
from cryptojwt.jws.jws import factory
from cryptojwt.key_jar import build_keyjar
from idpyoidc.client.oauth2.stand_alone_client import backchannel_logout
from idpyoidc.client.rp_handler import RPHandler
from idpyoidc.exception import MessageException

from person import Person, heading
from server import Server

BACK = "https://rp.example/back"
BYE = "https://rp.example/bye"
ADD_ON = "idpyoidc.client.oauth2.add_on."


def services(*more):
    names = {
        "discovery": "oidc.provider_info_discovery.ProviderInfoDiscovery",
        "registration": "oidc.registration.Registration",
        "read_registration": "oidc.read_registration.RegistrationRead",
        "authorization": "oidc.authorization.Authorization",
        "access_token": "oidc.access_token.AccessToken",
        "refresh_access_token": "oidc.refresh_access_token.RefreshAccessToken",
        "userinfo": "oidc.userinfo.UserInfo",
        "end_session": "oidc.end_session.EndSession",
        "backchannel_authentication": "oidc.backchannel_authentication.BackChannelAuthentication",
        "client_credentials": "oauth2.client_credentials.CCAccessTokenRequest",
        "introspection": "oauth2.introspection.Introspection",
        "token_exchange": "oauth2.token_exchange.TokenExchange",
        "token_revocation": "oauth2.token_revocation.TokenRevocation",
    }
    wanted = ["discovery", "authorization", "access_token", "refresh_access_token", *more]
    return {name: {"class": f"idpyoidc.client.{names[name]}"} for name in wanted}


def handler(server, use, auth, add_ons=None, keys=None, **own):
    pkce = {"code_challenge_length": 64, "code_challenge_method": "S256"}
    config = {
        "client_type": "oidc",
        "issuer": server.issuer,
        "redirect_uris": [BACK],
        "post_logout_redirect_uris": [BYE],
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "client_authn_methods": [auth, "bearer_header"],
        "token_endpoint_auth_methods_supported": [auth],
        "services": use,
        "add_ons": {
            "pkce": {"function": ADD_ON + "pkce.add_support", "kwargs": pkce},
            **(add_ons or {}),
        },
        **own,
    }
    # Keys of its own would be made, and written beside the tests.
    keys = keys or KeyJar()
    return RPHandler("https://rp.example", {"gerege": config}, services=use, keyjar=keys)


def walk(server, rp, person, scope, opens=lambda url: url, **more):
    """Signs in; gives what the relying party made of the answer."""
    away = person.allow(opens(rp.begin("gerege", req_args={"scope": scope.split(), **more})))
    answer = {name: values[0] for name, values in parse_qs(urlsplit(away).query).items()}
    assert answer["iss"] == server.issuer
    done = rp.finalize(server.issuer, answer)
    assert "error" not in done, done
    return done


def register(server, name, *words):
    made = server.command(
        "client", "add", name, "--redirect", BACK, "--post-logout-redirect", BYE, *words, "--json"
    )
    made = json.loads(made)
    return {"client_id": made["client_id"], "client_secret": made.get("client_secret", "")}


SCOPE = "openid profile email offline_access"
# What stands beside a signed request all the same (OpenID Connect Core 6.1).
ONCE_MORE = {"request", "client_id", "redirect_uri", "response_type", "scope", "state", "nonce"}


def a_relying_party_that_the_operator_registered(server):
    own = register(server, "rp")
    rp = handler(server, services("userinfo", "end_session"), "client_secret_basic", **own)
    person = Person(server.issuer)
    done = walk(server, rp, person, SCOPE)
    assert done["userinfo"]["email"] == "temuulen@mail.example", done["userinfo"]
    assert done["id_token"]["aud"] == ["rp"] and done["id_token"]["nonce"]
    old = done["token"]
    fresh = rp.refresh_access_token(done["state"])
    assert fresh["access_token"] != old
    out = rp.logout(done["state"], post_logout_redirect_uri=BYE)
    assert person.go(out["url"]).startswith(BYE)
    assert heading(person.go("/account")) == "Sign in"


def a_relying_party_that_registers_itself(server):
    # It compares the scope that it gets with single words, so it may have one here
    # (REGISTRATION__SCOPES). By a key it cannot: its assertions then name nobody (iss and sub are
    # null).
    use = services("registration", "userinfo")
    rp = handler(
        server,
        use,
        "client_secret_basic",
        scopes_supported=["openid"],
        grant_types_supported=["authorization_code"],
    )
    done = walk(server, rp, Person(server.issuer), "openid")
    assert done["userinfo"]["sub"] == done["id_token"]["sub"]
    context = rp.issuer2rp[server.issuer].get_context()
    assert context.get_client_id().startswith("app-")


def a_token_bound_to_a_key(server):
    # It takes no nonce of ours, and its proofs at userinfo hold the digest of the token in hex,
    # where RFC 9449 4.2 has base64url: so neither is asked of it.
    own = register(server, "rp-bound")
    kwargs = {
        "dpop_signing_alg_values_supported": ["ES256"],
        "with_dpop_header": ["accesstoken", "refresh_token"],
    }
    dpop = {"dpop": {"function": ADD_ON + "dpop.add_support", "kwargs": kwargs}}
    rp = handler(server, services(), "client_secret_basic", add_ons=dpop, **own)
    done = walk(server, rp, Person(server.issuer), SCOPE)
    fresh = rp.refresh_access_token(done["state"])
    assert fresh["token_type"] == "DPoP"
    claims = factory(fresh["access_token"]).jwt.payload()
    assert claims["cnf"]["jkt"]


def approve_on_your_phone(server):
    words = ["--name", "Steppe Bank", "--grant", "urn:openid:params:grant-type:ciba"]
    own = register(server, "rp-bank", *words)
    use = services("backchannel_authentication")
    rp = handler(server, use, "client_secret_basic", **own)
    client = rp.client_setup("gerege")
    ask = {"scope": ["openid", "profile"], "login_hint": "temuulen", "binding_message": "W4SCT"}
    begun = client.do_request(
        "backchannel_authentication",
        request_args=ask,
        authn_method="client_secret_basic",
        method="POST",
    )
    assert begun["auth_req_id"] and begun["expires_in"] == 600, begun
    person = Person(server.issuer)
    person.sign_in(person.go("/signin"), "temuulen")
    page = person.go("/account/asked")
    assert "W4SCT" in page.text, (heading(page), begun, server.said()[-900:])
    first = page.text.split('name="asked" value="')[1].split('"')[0]
    page = person.submit(page, asked=first)
    assert heading(page) == "Let Steppe Bank go on?"
    assert heading(person.submit(page, decision="allow")) == "The other device may go on"
    # It has no service for the grant itself.
    tokens = requests.post(
        client.get_context().provider_info["token_endpoint"],
        data={
            "grant_type": "urn:openid:params:grant-type:ciba",
            "auth_req_id": begun["auth_req_id"],
        },
        auth=(own["client_id"], own["client_secret"]),
        timeout=30,
    ).json()
    assert factory(tokens["id_token"]).jwt.payload()["aud"] == "rp-bank"


def signing(server, name):
    """Keys that it signs requests with, which the operator has too."""
    keys = build_keyjar([{"type": "RSA", "size": 2048, "use": ["sig"]}])
    file = server.folder / f"{name}.json"
    file.write_text(keys.export_jwks_as_json())
    own = register(server, name, "--jwks", str(file), "--auth", "basic")
    server.command("client", "edit", name, "--request-object", "required")
    # It looks for them under its name.
    keys.import_jwks(keys.export_jwks(private=True), name)
    return keys, own


def signer(server, keys, own):
    jar = {"jar": {"function": ADD_ON + "jar.add_support", "kwargs": {}}}
    return handler(server, services("userinfo"), "client_secret_basic", jar, keys, **own)


def a_request_that_it_signs(server):
    keys, own = signing(server, "rp-signs")

    def opens(url):
        assert {"request"} <= set(parse_qs(urlsplit(url).query)) <= ONCE_MORE, url
        return url

    done = walk(server, signer(server, keys, own), Person(server.issuer), "openid profile", opens)
    assert done["userinfo"]["preferred_username"] == "temuulen"
    # By a key that is not its own.
    keys, _ = signing(server, "rp-forges")
    keys.import_jwks(keys.export_jwks(private=True), own["client_id"])
    url = signer(server, keys, own).begin("gerege", req_args={"scope": ["openid"]})
    answer = parse_qs(urlsplit(Person(server.issuer).go(url)).query)
    assert answer["error"] == ["invalid_request_object"], answer


def a_request_that_it_signs_pushed(server):
    # Pushed by hand: its add-on for that signs with an empty iss (RFC 9101 4), and takes nothing
    # but 200 for an answer, where RFC 9126 2.2 has 201.
    keys, own = signing(server, "rp-pushes")
    server.command("client", "edit", "rp-pushes", "--par", "required")
    at = []

    def opens(url):
        auth = (own["client_id"], own["client_secret"])
        to = requests.get(f"{server.issuer}/.well-known/openid-configuration", timeout=30).json()
        asked = parse_qs(urlsplit(url).query)["request"]
        pushed = requests.post(
            to["pushed_authorization_request_endpoint"], {"request": asked}, auth=auth, timeout=30
        )
        assert pushed.status_code == 201, pushed.text
        query = {"client_id": auth[0], "request_uri": pushed.json()["request_uri"]}
        at.append(f"{to['authorization_endpoint']}?{urlencode(query)}")
        return at[-1]

    person = Person(server.issuer)
    done = walk(server, signer(server, keys, own), person, "openid profile", opens)
    assert done["userinfo"]["preferred_username"] == "temuulen"
    # It is good for one time.
    assert person.go(at[0]).status_code == 400


def it_is_told_that_the_person_signed_out(server):
    told = queue.Queue()

    class App(BaseHTTPRequestHandler):
        def do_POST(self):
            told.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    app = HTTPServer(("127.0.0.1", 0), App)
    threading.Thread(target=app.serve_forever, daemon=True).start()
    try:
        at = f"http://127.0.0.1:{app.server_port}/out"
        own = register(server, "rp-told", "--backchannel-logout", at)
        rp = handler(server, services("end_session"), "client_secret_basic", **own)
        person = Person(server.issuer)
        done = walk(server, rp, person, "openid")
        person.submit(person.go("/signout"), decision="signout")
        request = told.get(timeout=10)
        client = rp.issuer2rp[server.issuer]
        assert backchannel_logout(client, request) == done["state"]
        # One that somebody changed, and one for another app, are none.
        token = parse_qs(request)["logout_token"][0]
        other = handler(server, services(), "client_secret_basic", **register(server, "rp-untold"))
        other.client_setup("gerege")
        for client, bogus in (
            (client, token[:-4] + "AAAA"),
            (other.issuer2rp[server.issuer], token),
        ):
            try:
                backchannel_logout(client, urlencode({"logout_token": bogus}))
            except (BadSignature, MessageException):
                continue
            raise AssertionError("it was taken")
    finally:
        app.shutdown()
        app.server_close()


def run():
    logging.getLogger("idpyoidc").setLevel(logging.CRITICAL)
    settings = {"REGISTRATION__MODE": "open", "REGISTRATION__SCOPES": "openid"}
    with Server(PASSWORD__MEMORY_KIB=8, **settings) as server:
        person = Person(server.issuer)
        person.sign_up(person.go("/signup"), "temuulen")
        for test in (
            a_relying_party_that_the_operator_registered,
            a_relying_party_that_registers_itself,
            a_token_bound_to_a_key,
            a_request_that_it_signs,
            a_request_that_it_signs_pushed,
            it_is_told_that_the_person_signed_out,
            approve_on_your_phone,
        ):
            yield f"idpyoidc: {test.__name__.replace('_', ' ')}", lambda test=test: test(server)
