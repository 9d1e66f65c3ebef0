// Whether Prometheus, as deploy/monitoring configures it for Kubernetes, finds the pods of
// overlays/prod, and whether prometheus-adapter makes of that the metric by which they are scaled.
//
// Usage: NODE_PATH=<node_modules> node monitoring_test.js KUBECTL PROMTOOL DEPLOY_FOLDER
'use strict';

const assert = require('node:assert/strict');
const {execFileSync} = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {find, named, parse, pods, render} = require('./manifests.js');

const [kubectl, promtool, deploy] = process.argv.slice(2);
const read = (name) => parse(fs.readFileSync(path.join(deploy, 'monitoring', name), 'utf8'))[0];

// What service discovery says of a port of a pod.
function metaLabels(pod, port) {
  const labels =
      Object.entries(pod.labels)
          .map(([
                 key, value
               ]) => [`__meta_kubernetes_pod_label_${key.replace(/[^a-zA-Z0-9]/g, '_')}`, value]);
  return {
    ...Object.fromEntries(labels),
    __meta_kubernetes_pod_container_port_name: port.name ?? '',
    __meta_kubernetes_pod_phase: 'Running',
    __meta_kubernetes_namespace: pod.owner.metadata.namespace,
    __meta_kubernetes_pod_name: 'a-pod',
  };
}

// A target's labels after relabelling; null if it is dropped.
function relabel(rules, labels) {
  const result = {};
  for (const {action = 'replace', source_labels: sources, regex = '(.*)', target_label: target} of
           rules) {
    const value = sources.map((source) => labels[source] ?? '').join(';');
    const matches = new RegExp(`^(?:${regex})$`).test(value);
    if (action === 'replace')
      result[target] = value;
    else if ((action === 'keep') !== matches)
      return null;
  }
  return result;
}

function targets(manifests, job) {
  return pods(manifests)
      .flatMap(
          (pod) =>
              pod.spec.containers.flatMap((container) => (container.ports ?? []).map((port) => {
                const labels = relabel(job.relabel_configs, metaLabels(pod, port));
                return labels && {of: named(pod.owner), port: port.containerPort, ...labels};
              })))
      .filter((target) => target !== null);
}

// promtool, on files in a folder of their own.
function runPromtool(files, ...words) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'auth-promtool-'));
  try {
    for (const [name, content] of Object.entries(files))
      fs.writeFileSync(path.join(folder, name), JSON.stringify(content));
    execFileSync(promtool, words, {cwd: folder, encoding: 'utf8', stdio: 'pipe'});
  } finally {
    fs.rmSync(folder, {recursive: true});
  }
}

function checkScrape(manifests) {
  const configuration = read('prometheus-kubernetes.yaml');
  const [job] = configuration.scrape_configs;
  assert.equal(job.job_name, read('prometheus.yaml').scrape_configs[0].job_name);
  assert.deepEqual(job.kubernetes_sd_configs, [{role: 'pod', namespaces: {names: ['auth']}}]);
  assert.deepEqual(
      targets(manifests, job),
      [{of: 'Deployment auth', port: 9090, namespace: 'auth', pod: 'a-pod'}]);
  // Debian's promtool does not know Kubernetes.
  const {kubernetes_sd_configs: _discovery, ...rest} = job;
  runPromtool(
      {'prometheus.yaml': {...configuration, scrape_configs: [rest], rule_files: []}}, 'check',
      'config', 'prometheus.yaml');
}

// Two pods, of which each has its own minute's mean; other pools and namespaces do not count.
function checkAdapter(manifests) {
  const [rule, ...more] = read('prometheus-adapter.yaml').rules;
  assert.deepEqual(more, []);
  const metrics = find(manifests, 'HorizontalPodAutoscaler', 'auth').spec.metrics;
  assert.ok(metrics.some(({pods: {metric} = {}}) => metric?.name === rule.name.as), rule.name.as);
  assert.deepEqual(
      rule.resources.overrides, {namespace: {resource: 'namespace'}, pod: {resource: 'pod'}});
  const words = {
    Series: rule.seriesQuery.split('{')[0],
    GroupBy: 'pod',
    LabelMatchers: 'namespace="auth",pod=~"a|b"'
  };
  const query = rule.metricsQuery.replace(/<<\.(\w+)>>/g, (_, word) => words[word]);
  const series = (pod, pool, namespace, values) =>
      ({series: `auth_worker_queue{pod="${pod}",pool="${pool}",namespace="${namespace}"}`, values});
  const tests = [{
    interval: '15s',
    input_series: [
      series('a', 'hash', 'auth', '200 200 200 200 10 20 30 40'),
      series('b', 'hash', 'auth', '0x8'),
      series('a', 'store', 'auth', '99x8'),
      series('a', 'hash', 'other', '99x8'),
    ],
    promql_expr_test: [rule.seriesQuery, query].map(
        (expr, index) => ({
          expr,
          eval_time: '105s',
          exp_samples: index === 0 ?
              [['a', 'auth', 40], ['b', 'auth', 0], ['a', 'other', 99]].map(
                  ([pod, namespace, value]) => ({
                    labels: `auth_worker_queue{pod="${pod}",pool="hash",namespace="${namespace}"}`,
                    value
                  })) :
              [{labels: '{pod="a"}', value: 60}, {labels: '{pod="b"}', value: 0}],
        })),
  }];
  runPromtool({'test.yaml': {evaluation_interval: '15s', tests}}, 'test', 'rules', 'test.yaml');
}

const manifests = render(kubectl, path.join(deploy, 'kubernetes'), 'overlays/prod');
checkScrape(manifests);
checkAdapter(manifests);
console.log(
    'Prometheus finds the servers and nothing else; prometheus-adapter makes the metric of the autoscaler');
