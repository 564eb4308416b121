package main

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"
)

const password = "velvet comet seven harbour"

// A person with a browser: real pages, real forms, a cookie jar.
type person struct {
	issuer  string
	browser *http.Client
}

// A page, or where another site begins.
type page struct {
	at   *url.URL
	html string
	away *url.URL
}

func newPerson(issuer string) *person {
	jar, _ := cookiejar.New(nil)
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &person{issuer, &http.Client{Jar: jar, CheckRedirect: stay}}
}

// Follows our own redirects.
func (p *person) open(address string) (page, error) {
	return p.ask(http.MethodGet, address, nil)
}

func (p *person) ask(method, address string, fields url.Values) (page, error) {
	for i := 0; i < 12; i++ {
		request, err := http.NewRequest(method, address, strings.NewReader(fields.Encode()))
		if err != nil {
			return page{}, err
		}
		if method == http.MethodPost {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		answer, err := p.browser.Do(request)
		if err != nil {
			return page{}, err
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			return page{}, err
		}
		if answer.StatusCode != http.StatusSeeOther && answer.StatusCode != http.StatusFound {
			return page{at: request.URL, html: string(body)}, nil
		}
		to, err := answer.Location()
		if err != nil {
			return page{}, err
		}
		if !strings.HasPrefix(to.String(), p.issuer+"/") {
			return page{away: to}, nil
		}
		method, address, fields = http.MethodGet, to.String(), nil
	}
	return page{}, fmt.Errorf("round in circles at %s", address)
}

var (
	hidden  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	target  = regexp.MustCompile(`^[^>]*action="([^"]*)"`)
	ticked  = regexp.MustCompile(`name="scope" value="([^"]*)" type="checkbox" checked`)
	letter  = regexp.MustCompile(`href="(/dev/mail/[^"]+)"`)
	digits  = regexp.MustCompile(`\b(\d{3}) ?(\d{3})\b`)
	heading = regexp.MustCompile(`<h1[^>]*>([^<]*)`)
)

// Fills in the page's form and sends it where it says.
func (p *person) submit(from page, fields map[string]string) (page, error) {
	if from.away != nil {
		return page{}, fmt.Errorf("it left already, to %s", from.away)
	}
	for _, form := range strings.Split(from.html, "<form") {
		if !strings.Contains(form, `name="form"`) {
			continue
		}
		sent := url.Values{}
		for _, found := range hidden.FindAllStringSubmatch(form, -1) {
			sent.Set(found[1], html.UnescapeString(found[2]))
		}
		for _, found := range ticked.FindAllStringSubmatch(form, -1) {
			sent.Add("scope", html.UnescapeString(found[1]))
		}
		for name, value := range fields {
			sent.Set(name, value)
		}
		to := from.at
		if found := target.FindStringSubmatch(form); found != nil {
			var err error
			if to, err = from.at.Parse(html.UnescapeString(found[1])); err != nil {
				return page{}, err
			}
		}
		return p.ask(http.MethodPost, to.String(), sent)
	}
	return page{}, fmt.Errorf("no form at %s: %s", from.at, heading.FindString(from.html))
}

// Fills in one form after the other.
func (p *person) walk(at page, forms ...map[string]string) (page, error) {
	var err error
	for _, fields := range forms {
		if at, err = p.submit(at, fields); err != nil {
			return at, err
		}
	}
	return at, nil
}

// The code in the newest letter, as dev mode shows it.
func (p *person) code() (string, error) {
	for i := 0; i < 200; i++ {
		box, err := p.open(p.issuer + "/dev/mail")
		if err != nil {
			return "", err
		}
		if found := letter.FindStringSubmatch(box.html); found != nil {
			mail, err := p.open(p.issuer + html.UnescapeString(found[1]))
			if err != nil {
				return "", err
			}
			if found := digits.FindStringSubmatch(mail.html); found != nil {
				return found[1] + found[2], nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return "", fmt.Errorf("no letter came")
}

// Through the wizard, from its first page.
func (p *person) signUp(at page, username string) (page, error) {
	profile := map[string]string{
		"name": "Temuulen Bat", "username": username,
		"email": username + "@mail.example", "password": password,
	}
	at, err := p.walk(at, profile, map[string]string{"decision": "accept"})
	if err != nil {
		return at, err
	}
	code, err := p.code()
	if err != nil {
		return at, err
	}
	return p.walk(at, map[string]string{"code": code}, map[string]string{"keep": "1"})
}
