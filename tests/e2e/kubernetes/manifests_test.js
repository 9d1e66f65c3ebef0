// Renders the overlays, expects no finding, then breaks them in many ways and expects one for each.
//
// Usage: NODE_PATH=<node_modules> node manifests_test.js KUBECTL AUTH_SERVER KUBERNETES_FOLDER
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const {OVERLAYS, checkManifests} = require('./check_manifests.js');
const {ApiTypes} = require('./api_types.js');
const {named, render} = require('./manifests.js');
const {MUTATIONS} = require('./mutations.js');
const {ServerConfig} = require('./server_config.js');

const [kubectl, authServer, kubernetes] = process.argv.slice(2);
const types = new ApiTypes(path.resolve(process.env.NODE_PATH));

// Breaks one thing, and tells whether the right check noticed.
async function isNoticed({overlay, name, finding, change}, rendered, serverConfig) {
  const broken = structuredClone(rendered.get(overlay));
  const objects = Object.fromEntries([
    ...broken.objects.map((object) => [named(object), object]),
    ...broken.examples.map((example) => [`Example ${example.metadata.name}`, example])
  ]);
  change(objects);
  assert.notDeepEqual(broken, rendered.get(overlay), `${name}: changes nothing`);
  const findings = await checkManifests(broken, types, serverConfig);
  if (findings.some((each) => finding.test(each))) return true;
  console.log(`${overlay}, ${name}: expected ${finding}, found`, findings);
  return false;
}

async function main() {
  const serverConfig = new ServerConfig(authServer, path.join(kubernetes, '..', 'Dockerfile'));
  try {
    const rendered =
        new Map(OVERLAYS.map((overlay) => [overlay, render(kubectl, kubernetes, overlay)]));
    for (const [overlay, manifests] of rendered) {
      assert.deepEqual(await checkManifests(manifests, types, serverConfig), [], overlay);
      console.log(`${overlay}: ${manifests.objects.length} objects, no findings`);
    }
    const missed = [];
    for (const mutation of MUTATIONS) {
      if (!await isNoticed(mutation, rendered, serverConfig)) missed.push(mutation.name);
    }
    assert.deepEqual(missed, [], 'nobody notices these');
    console.log(`${MUTATIONS.length} ways to break them, each noticed`);
  } finally {
    serverConfig.dispose();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
