// Whether rollouts, scaling and failures go as the README says. Findings, a sentence each.
'use strict';

const {find, ofKind, podOf, quantity, seconds} = require('./manifests.js');
const {collector} = require('./pod_checks.js');

// What a stop takes beyond --drain-delay and --drain-timeout before the server ends itself.
const STOP_SECONDS = 12;
// What a migration may take before the program gives it up.
const MIGRATION_SECONDS = 3600;
// Pods beside those that serve: one that starts, one that drains.
const PODS_IN_PASSING = 2;

function checkDeployment(manifests, {server}) {
  const {findings, check} = collector('Deployment auth');
  const {spec} = find(manifests, 'Deployment', 'auth');
  const pod = spec.template.spec;
  const [container] = pod.containers;
  const drain = seconds(server['drain-delay']) + seconds(server['drain-timeout']);
  check(
      'stops pods before others serve',
      spec.strategy?.type === 'RollingUpdate' &&
          spec.strategy.rollingUpdate?.maxUnavailable === 0 &&
          spec.strategy.rollingUpdate.maxSurge === 1);
  check('kills before it has drained', pod.terminationGracePeriodSeconds >= drain + STOP_SECONDS);
  check('stops the next pod while one drains', spec.minReadySeconds >= drain);
  check('gives up on itself too early', spec.progressDeadlineSeconds >= 2 * spec.minReadySeconds);
  check('keeps no old version', spec.revisionHistoryLimit >= 2);
  check('drains at once', seconds(server['drain-delay']) >= 5);
  check(
      'cuts calls that have time left',
      seconds(server['drain-timeout']) > seconds(server['max-deadline']));
  check('migrates by itself', server.migrate === 'off');
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
    check(`${probe} gives up before the server's own check`, container[probe]?.timeoutSeconds >= 1);
  }
  const {failureThreshold, periodSeconds} = container.startupProbe ?? {};
  check('a slow start is killed', failureThreshold * periodSeconds >= 30);
  check('one lost probe restarts it', container.livenessProbe?.failureThreshold >= 3);
  for (const key of ['topology.kubernetes.io/zone', 'kubernetes.io/hostname']) {
    const spread = pod.topologySpreadConstraints?.find(({topologyKey}) => topologyKey === key);
    check(
        `is not spread over ${key}`,
        spread?.maxSkew === 1 &&
            JSON.stringify(spread.labelSelector) === JSON.stringify(spec.selector) &&
            ['ScheduleAnyway', 'DoNotSchedule'].includes(spread.whenUnsatisfiable));
    check(
        `counts nodes that take no server, over ${key}`,
        spread?.whenUnsatisfiable !== 'DoNotSchedule' || spread.nodeTaintsPolicy === 'Honor');
  }
  return findings;
}

function checkResources(manifests, {server}) {
  const {findings, check} = collector('Deployment auth');
  const {requests, limits} = podOf(manifests, 'Deployment', 'auth').spec.containers[0].resources;
  const hashing = Number(server['hash-workers']) * Number(server['argon2-memory-kib']) * 1024;
  check(
      'has not a hash worker for each CPU it asks for',
      Number(server['hash-workers']) === quantity(requests.cpu));
  check('has no CPU left beside hashing', quantity(limits.cpu) >= quantity(requests.cpu) + 1);
  check('has not twice the memory that hashing takes', quantity(limits.memory) >= 2 * hashing);
  check('may be evicted for its memory', quantity(limits.memory) === quantity(requests.memory));
  return findings;
}

function checkScaling(manifests, {server}) {
  const {findings, check} = collector(`overlay ${manifests.overlay}`);
  const deployment = find(manifests, 'Deployment', 'auth');
  const scaler = find(manifests, 'HorizontalPodAutoscaler', 'auth');
  const most = scaler?.spec.maxReplicas ?? deployment.spec.replicas;
  const granted = Number(deployment.metadata.annotations?.['auth-service/database-connections']);
  const used = (most + PODS_IN_PASSING) * Number(server['pool-max-connections']) + 1;
  check(`may open ${used} connections of ${granted}`, used <= granted);
  check(
      'lets a drain of nodes take more than one pod',
      find(manifests, 'PodDisruptionBudget', 'auth')?.spec.maxUnavailable === 1);
  check(
      'a broken pod keeps its node',
      find(manifests, 'PodDisruptionBudget', 'auth')?.spec.unhealthyPodEvictionPolicy ===
          'AlwaysAllow');
  if (!scaler) {
    check(
        'has no number of replicas',
        deployment.spec.replicas === 1 && manifests.overlay === 'overlays/dev');
    return findings;
  }
  const metrics = scaler.spec.metrics ?? [];
  const cpu = metrics.find(({resource}) => resource?.name === 'cpu')?.resource.target;
  const queue = metrics.find(({pods}) => pods?.metric.name === 'auth_hash_queue')?.pods.target;
  check('replicas are set twice', deployment.spec.replicas === undefined);
  check(
      'one pod is all there may be',
      scaler.spec.minReplicas >= 2 && scaler.spec.minReplicas < most);
  check(
      'does not scale by CPU',
      cpu?.type === 'Utilization' && cpu.averageUtilization >= 50 && cpu.averageUtilization <= 80);
  check(
      'does not scale by its queue, before it refuses',
      queue?.type === 'AverageValue' &&
          Number(queue.averageValue) <= Number(server['hash-queue']) / 4);
  check('scales down at once', scaler.spec.behavior?.scaleDown?.stabilizationWindowSeconds >= 300);
  return findings;
}

function checkMigration(manifests, {migrate}) {
  const {findings, check} = collector('Job auth-migrate');
  const job = ofKind(manifests, 'Job').find(({metadata}) => metadata.name === 'auth-migrate');
  const pod = job.spec.template.spec;
  const rule = (action) => job.spec.podFailurePolicy?.rules.find((each) => each.action === action);
  const secretOf = (spec) => spec.volumes.find(({name}) => name === 'database')?.secret?.secretName;
  check('does not only migrate', migrate.migrate === 'only');
  check('ends a migration that goes on', job.spec.activeDeadlineSeconds > MIGRATION_SECONDS);
  check('does not try again', job.spec.backoffLimit >= 3);
  check('is never removed', job.spec.ttlSecondsAfterFinished > 0);
  check('forgets why it failed', pod.restartPolicy === 'Never');
  check(
      'repeats what cannot succeed',
      JSON.stringify(rule('FailJob')?.onExitCodes) ===
          JSON.stringify({containerName: pod.containers[0].name, operator: 'In', values: [2]}));
  check(
      'counts an eviction as a failure',
      rule('Ignore')?.onPodConditions?.[0].type === 'DisruptionTarget');
  check(
      'shares the database role of the servers',
      secretOf(pod) !== secretOf(podOf(manifests, 'Deployment', 'auth').spec));
  check(
      'is another image than the servers',
      pod.containers[0].image === podOf(manifests, 'Deployment', 'auth').spec.containers[0].image);
  return findings;
}

function checkRollout(manifests, configs) {
  return [
    ...checkDeployment(manifests, configs), ...checkResources(manifests, configs),
    ...checkScaling(manifests, configs), ...checkMigration(manifests, configs)
  ];
}

module.exports = {checkRollout};
