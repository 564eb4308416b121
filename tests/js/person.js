// A person with a browser: real pages, real forms, a cookie jar. No knowledge of the server's inside.

export const PASSWORD = 'velvet comet seven harbour'

const unescape = (text) =>
  text
    .replaceAll('&#x2f;', '/')
    .replaceAll('&quot;', '"')
    .replaceAll('&#x27;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')

// Debian's Node 18 joins them.
const cookies = (headers) =>
  headers.getSetCookie?.() ?? (headers.get('set-cookie') ?? '').split(/, *(?=[\w-]+=)/).filter(Boolean)

export class Person {
  constructor(issuer, send = fetch) {
    this.issuer = issuer
    this.send = send
    this.cookies = new Map()
  }

  async ask(url, options = {}) {
    const target = new URL(url, this.issuer)
    const headers = { ...options.headers }
    if (target.origin === this.issuer && this.cookies.size > 0) {
      headers.cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    }
    const answer = await this.send(target, { ...options, headers, redirect: 'manual' })
    for (const set of cookies(answer.headers)) {
      const [pair] = set.split(';')
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
      if (value === '' || /max-age=0/i.test(set)) this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return { url: target, status: answer.status, to: answer.headers.get('location'), html: await answer.text() }
  }

  // Follows our own redirects; gives a page, or the URL of another site.
  async go(url, options) {
    let page = await this.ask(url, options)
    for (let hop = 0; page.status === 303 || page.status === 302; hop++) {
      const to = new URL(page.to, page.url)
      if (to.origin !== this.issuer) return { away: to }
      if (hop > 10) throw new Error(`round in circles at ${to}`)
      page = await this.ask(to)
    }
    return page
  }

  // Fills in the first form of a page that has these fields, and sends it where it says.
  async submit(page, fields) {
    const form = page.html.split('<form').find((one) => one.includes('name="form"'))
    if (!form) throw new Error(`no form at ${page.url}:\n${page.html.slice(0, 500)}`)
    const action = /^[^>]*action="([^"]*)"/.exec(form)?.[1]
    const target = action ? new URL(unescape(action), page.url) : page.url
    const sent = await this.go(target, {
      method: 'POST',
      headers: { origin: this.issuer },
      body: filled(form, fields),
    })
    if (sent.status >= 400) throw new Error(`${target} ${sent.status}: ${heading(sent)} ${mistakes(sent)}`)
    return sent
  }

  // Through the pages to what leads back to the app: signs in and allows where asked.
  async allow(url) {
    let page = await this.go(url)
    if (!page.away && heading(page) === 'Sign in') page = await this.signIn(page, 'temuulen')
    const asked = !page.away && page.html.includes('name="decision" value="allow"')
    return asked ? this.submit(page, { decision: 'allow' }) : page
  }

  // The newest letter's words, as dev mode shows it.
  async letter() {
    for (let asked = 0; asked < 200; asked++) {
      const list = await this.ask('/dev/mail')
      const at = /href="(\/dev\/mail\/[^"]+)"/.exec(list.html)?.[1]
      if (at) return (await this.ask(unescape(at))).html
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error('no letter came')
  }

  // The wizard, from its first page to the page after it.
  async signUp(page, username) {
    page = await this.submit(page, {
      name: 'Temuulen Bat',
      username,
      email: `${username}@mail.example`,
      password: PASSWORD,
    })
    page = await this.submit(page, { decision: 'accept' })
    const code = /\b(\d{3}) ?(\d{3})\b/.exec(await this.letter())
    page = await this.submit(page, { code: code[1] + code[2] })
    return this.submit(page, { keep: '1' })
  }

  signIn(page, login) {
    return this.submit(page, { login, password: PASSWORD })
  }
}

// What a browser sends to the app by the page whose form sends itself (form_post).
export function posted(page) {
  const form = page.html.split('<form').find((one) => one.includes('data-send'))
  if (!form) throw new Error(`no form for an app at ${page.url}: ${heading(page)}`)
  const [, action] = /^[^>]*action="([^"]*)"/.exec(form)
  return new Request(unescape(action), { method: 'POST', body: filled(form, {}) })
}

// What the page put there, what was typed, and the boxes that stand ticked: those of a consent page.
function filled(form, fields) {
  const all = new URLSearchParams()
  for (const [, name, value] of form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)) {
    if (!(name in fields)) all.append(name, unescape(value))
  }
  for (const [name, value] of Object.entries(fields)) {
    for (const one of [value].flat()) all.append(name, one)
  }
  if ('scope' in fields) return all
  for (const [, value] of form.matchAll(/name="scope" value="([^"]*)" type="checkbox" checked/g)) {
    all.append('scope', unescape(value))
  }
  return all
}

export const heading = (page) => /<h1[^>]*>([^<]*)/.exec(page.html)?.[1] ?? ''
const mistakes = (page) => [...page.html.matchAll(/<li><a href="#[^"]*">([^<]*)/g)].map((one) => one[1]).join(' | ')
