// Debian's Chromium, driven by playwright-core.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {chromium} = require('playwright-core');

// As root Chromium has no sandbox; the rest keeps it from asking anybody anything.
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-breakpad',
];

const launch = (executable) => chromium.launch({executablePath: executable, args: FLAGS});

// A page of its own, and what a browser would complain about: {page, complaints, requests}.
async function openPage(browser, options = {}) {
  const context = await browser.newContext({viewport: {width: 1280, height: 900}, ...options});
  const page = await context.newPage();
  const complaints = [];
  const requests = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  return {page, complaints, requests, close: () => context.close()};
}

// Waits until the element says exactly this.
async function says(page, id, text, timeout = 10_000) {
  await page
      .waitForFunction(
          ([id, text]) => document.getElementById(id).innerText === text, [id, text],
          {timeout, polling: 50})
      .catch(async () => assert.equal(await page.locator(`#${id}`).innerText(), text, id));
}

// Into the folder, if there is one.
async function screenshot(page, folder, name, options = {}) {
  if (!folder) return;
  fs.mkdirSync(folder, {recursive: true});
  await page.screenshot({path: path.join(folder, `${name}.png`), ...options});
}

module.exports = {
  launch,
  openPage,
  says,
  screenshot
};
