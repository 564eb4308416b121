"""check.py JWKS_URL ISSUER AUDIENCE: reads a token from standard input, prints its claims."""

import base64
import json
import sys

import jwt

CLAIMS = ["iss", "aud", "sub", "client_id", "exp", "iat", "jti"]


def canonical(part):
    """Whether a part is base64url as RFC 7515 writes it: one spelling only."""
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return False
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == part


class Checker:
    """Make one when your service starts, and keep it: it holds the keys."""

    def __init__(self, key_set, issuer, audience):
        self.issuer, self.audience = issuer, audience
        # An unknown kid loads the set again, at most once in 10 seconds.
        self.keys = jwt.PyJWKClient(key_set, lifespan=600, timeout=3, cooldown_duration=10)

    def check(self, token):
        parts = token.split(".")
        if len(token) > 16384 or len(parts) != 3 or not all(map(canonical, parts)):
            raise jwt.InvalidTokenError("not a signed token")
        header = jwt.get_unverified_header(token)
        if set(header) - {"alg", "typ", "kid"}:
            raise jwt.InvalidTokenError("the header has a member that is not accepted")
        if header.get("typ") not in ("at+jwt", "application/at+jwt"):
            raise jwt.InvalidTokenError("not an access token")
        key = self.keys.get_signing_key(header.get("kid"))
        if key.algorithm_name not in ("RS256", "ES256", "EdDSA"):
            raise jwt.InvalidTokenError("a key of another kind")
        claims = jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],  # the key decides, never the header
            issuer=self.issuer,
            audience=self.audience,
            leeway=30,
            options={"require": CLAIMS, "strict_aud": True},
        )
        if "cnf" in claims:
            raise jwt.InvalidTokenError("bound to a key that was not proved")
        return claims


if __name__ == "__main__":
    try:
        claims = Checker(*sys.argv[1:4]).check(sys.stdin.read().rstrip("\n"))
    except jwt.PyJWTError as why:
        sys.exit(f"refused: {why}")
    print(json.dumps(claims))
