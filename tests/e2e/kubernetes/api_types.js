// Whether objects are what the Kubernetes API takes: no unknown field, none missing, each of its
// type.
//
// The types are those that @kubernetes/client-node generated from the API's OpenAPI document; what
// is required is in its declarations only. Those of cert-manager are in a table.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const {pathToFileURL} = require('node:url');
const {named} = require('./manifests.js');

// After the API reference of cert-manager.io/v1: what our objects may use of it. `!` is required.
const CERT_MANAGER = {
  'Certificate': {'metadata!': {}, 'spec!': 'CertificateSpec'},
  'CertificateSpec': {
    'secretName!': 'string',
    'issuerRef!': 'IssuerReference',
    commonName: 'string',
    dnsNames: ['string'],
    duration: 'duration',
    renewBefore: 'duration',
    isCA: 'boolean',
    privateKey: 'CertificatePrivateKey',
    usages: ['KeyUsage'],
  },
  'IssuerReference': {'name!': 'string', kind: ['=', 'Issuer', 'ClusterIssuer'], group: 'string'},
  'CertificatePrivateKey': {
    algorithm: ['=', 'RSA', 'ECDSA', 'Ed25519'],
    encoding: ['=', 'PKCS1', 'PKCS8'],
    size: 'integer',
    rotationPolicy: ['=', 'Never', 'Always'],
  },
  'KeyUsage': ['=', 'digital signature', 'key encipherment', 'server auth', 'client auth'],
  'Issuer': {'metadata!': {}, 'spec!': 'IssuerSpec'},
  'IssuerSpec': {selfSigned: {}, ca: 'CAIssuer'},
  'CAIssuer': {'secretName!': 'string'},
};

class ApiTypes {
  #folder;
  #types = new Map();

  constructor(nodeModules) {
    this.#folder = path.join(nodeModules, '@kubernetes', 'client-node', 'dist', 'gen');
  }

  // Findings about an object, a sentence each.
  async check(object) {
    const where = named(object);
    if (object.apiVersion === 'cert-manager.io/v1') {
      return checkTable(where, object.kind, withoutType(object));
    }
    const kind = this.#kind(object);
    if (!kind) return [`${where}: the API has no ${object.apiVersion} ${object.kind}`];
    const findings = [];
    if (!kind.namespaced && object.metadata?.namespace) {
      findings.push(`${where}: has a namespace, and belongs to none`);
    }
    return findings.concat(await this.#check(where, kind.type, '', object));
  }

  // Of the group's client, because the types alone do not tell their group.
  #kind({apiVersion, kind}) {
    const [group, version] =
        apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion];
    const capital = (word) => word[0].toUpperCase() + word.slice(1);
    const name = group.replace(/\.k8s\.io$/, '').split('.').map(capital).join('');
    const api = path.join(this.#folder, 'apis', `${name}${capital(version)}Api.d.ts`);
    if (!fs.existsSync(api)) return null;
    const [, namespaced] =
        new RegExp(`\\bcreate(Namespaced)?${kind}\\(`).exec(fs.readFileSync(api, 'utf8')) ?? [];
    const type = capital(version) + kind;
    const exists = fs.existsSync(path.join(this.#folder, 'models', `${type}.js`));
    return exists ? {type, namespaced: namespaced !== undefined} : null;
  }

  // A type's fields: name -> {type, format, required}.
  async #fields(type) {
    if (!this.#types.has(type)) {
      const file = path.join(this.#folder, 'models', `${type}.js`);
      const model = (await import(pathToFileURL(file)))[type];
      const declared = fs.readFileSync(file.replace(/\.js$/, '.d.ts'), 'utf8');
      const optional = new Set([...declared.matchAll(/^\s+'(\w+)'\?:/gm)].map((found) => found[1]));
      this.#types.set(
          type,
          new Map(model.getAttributeTypeMap().map(
              (field) => [field.baseName, {...field, required: !optional.has(field.name)}])));
    }
    return this.#types.get(type);
  }

  async #check(where, type, format, value) {
    const list = /^(?:Array|Set)<(.*)>$/.exec(type);
    const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
    if (list) {
      if (!Array.isArray(value)) return [`${where}: is no list`];
      return this.#checkEach(where, list[1], format, value.entries());
    }
    if (map) {
      if (!isObject(value)) return [`${where}: is no map`];
      return this.#checkEach(where, map[1], format, Object.entries(value));
    }
    const plain = checkPlain(type, format, value);
    if (plain !== null)
      return plain ? [] : [`${where}: ${JSON.stringify(value)} is no ${format || type}`];
    if (!isObject(value)) return [`${where}: is no object`];
    return this.#checkFields(where, type, value);
  }

  async #checkEach(where, type, format, entries) {
    const findings = [];
    for (const [key, value] of entries) {
      findings.push(...await this.#check(`${where}[${key}]`, type, format, value));
    }
    return findings;
  }

  async #checkFields(where, type, value) {
    const fields = await this.#fields(type);
    const findings = [];
    for (const [name, field] of fields) {
      if (field.required && value[name] === undefined) findings.push(`${where}: lacks ${name}`);
    }
    for (const [name, each] of Object.entries(value)) {
      const field = fields.get(name);
      findings.push(
          ...(field ? await this.#check(`${where}.${name}`, field.type, field.format, each) :
                      [`${where}: ${type} has no field ${name}`]));
    }
    return findings;
  }
}

const isBase64 = (text) => Buffer.from(text, 'base64').toString('base64') === text;
const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

// Whether the value has this type; null if the type is a model.
function checkPlain(type, format, value) {
  switch (type) {
    case 'string':
      return typeof value === 'string' && (format !== 'byte' || isBase64(value.replace(/\s/g, '')));
    case 'number':
      return typeof value === 'number' && (!format.startsWith('int') || Number.isInteger(value));
    case 'boolean':
      return typeof value === 'boolean';
    case 'IntOrString':
      return typeof value === 'string' || Number.isInteger(value);
    case 'any':
    case 'object':
      return true;
    default:
      return null;
  }
}

const withoutType = ({apiVersion: _version, kind: _kind, ...fields}) => fields;

// Findings against CERT_MANAGER.
function checkTable(where, type, value) {
  const known =
      typeof type === 'string' && CERT_MANAGER[type] !== undefined ? CERT_MANAGER[type] : type;
  const bad = () => [`${where}: ${JSON.stringify(value)} is no ${JSON.stringify(known)}`];
  if (known === 'duration') return /^[1-9]\d*h$/.test(value) ? [] : bad();
  if (known === 'integer') return Number.isInteger(value) ? [] : bad();
  if (typeof known === 'string') return typeof value === known ? [] : bad();
  if (Array.isArray(known)) {
    if (known[0] === '=') return known.includes(value, 1) ? [] : bad();
    return Array.isArray(value) ? value.flatMap((each) => checkTable(where, known[0], each)) :
                                  bad();
  }
  if (!isObject(value)) return bad();
  if (Object.keys(known).length === 0) return [];
  const findings =
      Object.keys(known)
          .filter((name) => name.endsWith('!') && value[name.slice(0, -1)] === undefined)
          .map((name) => `${where}: lacks ${name.slice(0, -1)}`);
  for (const [name, each] of Object.entries(value)) {
    const field = known[name] ?? known[`${name}!`];
    findings.push(
        ...(field === undefined ? [`${where}: ${type} has no field ${name}`] :
                                  checkTable(`${where}.${name}`, field, each)));
  }
  return findings;
}

module.exports = {ApiTypes};
