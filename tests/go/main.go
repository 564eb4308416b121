// The clients that programs in Go use, go-oidc and x/oauth2, against the built server: discovery,
// code + PKCE, ID token, userinfo, refresh, client credentials, services. The last line counts.
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"

	oidc "github.com/coreos/go-oidc"
	"golang.org/x/oauth2"
)

func drawn() string {
	bytes := make([]byte, 32)
	if _, err := rand.Read(bytes); err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(bytes)
}

// An app that signs a person in.
type app struct {
	provider *oidc.Provider
	config   oauth2.Config
	verifier string
	state    string
	nonce    string
}

func newApp(issuer, id, secret, back string, scopes ...string) (*app, error) {
	provider, err := oidc.NewProvider(context.Background(), issuer)
	if err != nil {
		return nil, err
	}
	config := oauth2.Config{
		ClientID: id, ClientSecret: secret, Endpoint: provider.Endpoint(), RedirectURL: back,
		Scopes: append([]string{oidc.ScopeOpenID, "profile", "email"}, scopes...),
	}
	return &app{provider, config, drawn(), drawn(), drawn()}, nil
}

// Where it sends the browser.
func (a *app) asks(more ...oauth2.AuthCodeOption) string {
	hash := sha256.Sum256([]byte(a.verifier))
	challenge := base64.RawURLEncoding.EncodeToString(hash[:])
	return a.config.AuthCodeURL(a.state, append(more,
		oidc.Nonce(a.nonce),
		oauth2.SetAuthURLParam("code_challenge", challenge),
		oauth2.SetAuthURLParam("code_challenge_method", "S256"))...)
}

// Redeems what came back, and checks whom the ID token is about.
func (a *app) takes(issuer string, came page) (*oauth2.Token, *oidc.IDToken, error) {
	if came.away == nil {
		return nil, nil, fmt.Errorf("a page instead of the app: %s", heading.FindString(came.html))
	}
	answer := came.away.Query()
	if answer.Get("state") != a.state || answer.Get("iss") != issuer {
		return nil, nil, fmt.Errorf("an answer to something else: %v", answer)
	}
	proof := oauth2.SetAuthURLParam("code_verifier", a.verifier)
	token, err := a.config.Exchange(context.Background(), answer.Get("code"), proof)
	if err != nil {
		return nil, nil, err
	}
	id, err := a.reads(token)
	return token, id, err
}

func (a *app) reads(token *oauth2.Token) (*oidc.IDToken, error) {
	raw, _ := token.Extra("id_token").(string)
	id, err := a.provider.Verifier(&oidc.Config{ClientID: a.config.ClientID}).Verify(context.Background(), raw)
	if err != nil {
		return nil, err
	}
	other := &oidc.Config{ClientID: "somebody-else"}
	if _, err := a.provider.Verifier(other).Verify(context.Background(), raw); err == nil {
		return nil, fmt.Errorf("the ID token is anybody's")
	}
	if err := id.VerifyAccessToken(token.AccessToken + "x"); err == nil {
		return nil, fmt.Errorf("the ID token goes with any access token")
	}
	return id, id.VerifyAccessToken(token.AccessToken)
}

// What is read beside the names that the library knows: the document's, the ID token's, userinfo's.
func (a *app) read(id *oidc.IDToken, info *oidc.UserInfo) error {
	var told struct {
		Revocation string   `json:"revocation_endpoint"`
		Prompts    []string `json:"prompt_values_supported"`
	}
	var here struct {
		Sid      string `json:"sid"`
		AuthTime int64  `json:"auth_time"`
	}
	var who struct {
		Username string `json:"preferred_username"`
	}
	for _, err := range []error{a.provider.Claims(&told), id.Claims(&here), info.Claims(&who)} {
		if err != nil {
			return err
		}
	}
	if told.Revocation == "" || len(told.Prompts) == 0 || here.Sid == "" || here.AuthTime == 0 || who.Username != "temuulen" {
		return fmt.Errorf("something is missing: %+v %+v %+v", told, here, who)
	}
	return nil
}

// Asks who it is, and takes newer tokens for the refresh token.
func (a *app) uses(token *oauth2.Token, id *oidc.IDToken) (*oauth2.Token, error) {
	if id.Nonce != a.nonce {
		return nil, fmt.Errorf("the ID token is of another sign-in")
	}
	info, err := a.provider.UserInfo(context.Background(), oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, err
	}
	if info.Subject != id.Subject || info.Email != "temuulen@mail.example" || !info.EmailVerified {
		return nil, fmt.Errorf("userinfo is about somebody else: %+v", info)
	}
	if err := a.read(id, info); err != nil {
		return nil, err
	}
	old := &oauth2.Token{RefreshToken: token.RefreshToken}
	newer, err := a.config.TokenSource(context.Background(), old).Token()
	if err != nil {
		return nil, err
	}
	again, err := a.reads(newer)
	if err != nil {
		return nil, err
	}
	if newer.AccessToken == token.AccessToken || again.Subject != id.Subject {
		return nil, fmt.Errorf("the refreshed tokens are not newer ones of the same person")
	}
	_, err = a.provider.UserInfo(context.Background(), oauth2.StaticTokenSource(newer))
	return newer, err
}

func publicMessenger(s *server) error {
	back := "http://127.0.0.1:7656/callback"
	app, err := newApp(s.issuer, "demo-messenger", "", back, oidc.ScopeOfflineAccess)
	if err != nil {
		return err
	}
	somebody := newPerson(s.issuer)
	wizard, err := somebody.open(app.asks(oauth2.SetAuthURLParam("prompt", "create")))
	if err != nil {
		return err
	}
	came, err := somebody.signUp(wizard, "temuulen")
	if err != nil {
		return err
	}
	token, id, err := app.takes(s.issuer, came)
	if err != nil {
		return err
	}
	newer, err := app.uses(token, id)
	if err == nil && newer.RefreshToken == token.RefreshToken {
		err = fmt.Errorf("a public app's refresh token must be another one each time")
	}
	return err
}

func confidentialApp(s *server) error {
	back := "https://forum.example/callback"
	words := []string{"--redirect", back, "--grant", "authorization_code", "--grant", "refresh_token"}
	for _, scope := range []string{"openid", "profile", "email", "offline_access"} {
		words = append(words, "--scope", scope)
	}
	own, err := s.add("client", "forum", words...)
	if err != nil {
		return err
	}
	app, err := newApp(s.issuer, own.ID, own.Secret, back, oidc.ScopeOfflineAccess)
	if err != nil {
		return err
	}
	// The library finds out by itself how a client proves itself, and remembers it by our address:
	// for one client only.
	app.config.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	somebody := newPerson(s.issuer)
	at, err := somebody.open(app.asks())
	if err != nil {
		return err
	}
	came, err := somebody.walk(at,
		map[string]string{"login": "temuulen", "password": password},
		map[string]string{"decision": "allow"})
	if err != nil {
		return err
	}
	token, id, err := app.takes(s.issuer, came)
	if err != nil {
		return err
	}
	if _, err := app.uses(token, id); err != nil {
		return err
	}
	// A code is spent once.
	if _, _, err := app.takes(s.issuer, came); err == nil {
		return fmt.Errorf("the code was redeemed twice")
	}
	return nil
}

func main() {
	passed, failed := 0, 0
	count := func(name string, err error) {
		if err == nil {
			passed++
			fmt.Println("ok  ", name)
		} else {
			failed++
			fmt.Println("FAIL", name+":", err)
		}
	}
	s, err := start()
	if err != nil {
		count("start", err)
	} else {
		count("go-oidc: a public messenger", publicMessenger(s))
		count("go-oidc: a confidential app", confidentialApp(s))
		count("go-oidc and x/oauth2: a program, and services that take only what is for them", programAndServices(s))
		s.stop()
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
