package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	oidc "github.com/coreos/go-oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// What the operator's command made: a service, or an app with its secret.
type made struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

func (s *server) add(kind, name string, words ...string) (made, error) {
	var one made
	out, err := s.command(append([]string{kind, "add", name, "--json"}, words...)...)
	if err != nil {
		return one, err
	}
	return one, json.Unmarshal(out, &one)
}

// A service of its own name and scope, which programs may call for themselves, once it is served.
func (s *server) serve(name string, words ...string) error {
	about := []string{"--audience", "https://" + name + ".example", "--scope", name, "--machine"}
	if _, err := s.add("service", name, append(about, words...)...); err != nil {
		return err
	}
	var keys struct{ Keys []json.RawMessage }
	var told struct {
		Scopes []string `json:"scopes_supported"`
	}
	for i := 0; i < 200; i++ {
		if err := s.read("/services/"+name+"/jwks.json", &keys); err != nil {
			return err
		}
		if err := s.read("/.well-known/openid-configuration", &told); err != nil {
			return err
		}
		if len(keys.Keys) > 0 && strings.Contains(strings.Join(told.Scopes, " ")+" ", name+" ") {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("%s is not served", name)
}

func (s *server) read(path string, into any) error {
	answer, err := http.Get(s.issuer + path)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return json.NewDecoder(answer.Body).Decode(into)
}

// Two services that are each their own issuer, and one whose tokens the server's own key signs.
func services(s *server) (map[string]*oidc.IDTokenVerifier, error) {
	verifiers := map[string]*oidc.IDTokenVerifier{}
	for name, words := range map[string][]string{
		"harbour": {"--own-issuer"},
		"quay":    {"--own-issuer", "--algorithm", "ES256"},
		"pier":    {"--keys", "issuer"},
	} {
		if err := s.serve(name, words...); err != nil {
			return nil, err
		}
		issuer := s.issuer
		if name != "pier" {
			issuer += "/services/" + name
		}
		provider, err := oidc.NewProvider(context.Background(), issuer)
		if err != nil {
			return nil, err
		}
		// What its metadata says of algorithms is left to the caller of this version.
		var told struct {
			Algorithms []string `json:"id_token_signing_alg_values_supported"`
		}
		if err := provider.Claims(&told); err != nil {
			return nil, err
		}
		wants := &oidc.Config{ClientID: "https://" + name + ".example", SupportedSigningAlgs: told.Algorithms}
		verifiers[name] = provider.Verifier(wants)
	}
	return verifiers, nil
}

// A program asks for itself, and each service takes the tokens that are for it alone.
func programAndServices(s *server) error {
	verifiers, err := services(s)
	if err != nil {
		return err
	}
	for style, auth := range map[oauth2.AuthStyle]string{
		oauth2.AuthStyleInHeader: "basic",
		oauth2.AuthStyleInParams: "post",
	} {
		words := []string{"--grant", "client_credentials", "--scope", "harbour quay pier", "--auth", auth}
		own, err := s.add("client", "crane-"+auth, words...)
		if err != nil {
			return err
		}
		for name := range verifiers {
			config := clientcredentials.Config{
				ClientID: own.ID, ClientSecret: own.Secret, AuthStyle: style, Scopes: []string{name},
				TokenURL:       s.issuer + "/oauth2/token",
				EndpointParams: url.Values{"resource": {"https://" + name + ".example"}},
			}
			token, err := config.Token(context.Background())
			if err != nil {
				return err
			}
			if !token.Valid() || token.Extra("scope") != name || token.RefreshToken != "" {
				return fmt.Errorf("another token than was asked for: %v", token.Extra("scope"))
			}
			for at, verifier := range verifiers {
				read, err := verifier.Verify(context.Background(), token.AccessToken)
				if (err == nil) != (at == name) {
					return fmt.Errorf("a token for %s at %s: %v", name, at, err)
				}
				if err == nil && read.Subject != own.ID {
					return fmt.Errorf("a token of somebody else: %s", read.Subject)
				}
			}
			config.ClientSecret += "x"
			if _, err := config.Token(context.Background()); err == nil ||
				!strings.Contains(err.Error(), "invalid_client") {
				return fmt.Errorf("a wrong secret: %v", err)
			}
		}
	}
	return nil
}
