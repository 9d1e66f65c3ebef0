// What can go wrong with the manifests, and the finding that must tell of it.
'use strict';

const {all, dropFirst, dropLast, push, set, unset} = require('./change.js');

// Where something stands in an overlay's objects, which come by kind and name.
const named = (name) => (objects) => objects[name];
const deployment = named('Deployment auth');
const server = (objects) => deployment(objects).spec.template.spec;
const container = (objects) => server(objects).containers[0];
const job = (objects) => objects['Job auth-migrate'].spec;
const postgres = (objects) => objects['StatefulSet postgres'].spec.template.spec;
const scaler = (objects) => objects['HorizontalPodAutoscaler auth'].spec;
const certificate = (objects) => objects['Certificate auth-server'].spec;
const root = named('Issuer auth-root');  // to be made something else
const policy = (name) => (objects) => objects[`NetworkPolicy ${name}`].spec;
const config = (objects) =>
    Object.entries(objects).find(([name]) => name.startsWith('ConfigMap auth'))[1].data;

const TLS = ['AUTH_TLS_CERT', 'AUTH_TLS_KEY', 'AUTH_TLS_CLIENT_CA'];

const breaks = (overlay) => (name, finding, change) => ({overlay, name, finding, change});
const prod = breaks('overlays/prod');
const dev = breaks('overlays/dev');
const base = breaks('base');

exports.MUTATIONS = [
  // The API would not take it, or would drop it silently.
  prod(
      'a misspelt field', /has no field readOnlyRootFileSystem/,
      all(unset(container, 'securityContext readOnlyRootFilesystem'),
          set(container, 'securityContext readOnlyRootFileSystem', true))),
  prod(
      'a number in quotes', /minReadySeconds: "30" is no int32/,
      set(deployment, 'spec minReadySeconds', '30')),
  prod(
      'an unquoted value', /value: true is no string/,
      push(container, 'env', {name: 'A', value: true})),
  prod('no selector', /lacks selector/, unset(deployment, 'spec selector')),
  prod(
      'an API that is gone', /no autoscaling\/v2beta2/,
      set(named('HorizontalPodAutoscaler auth'), 'apiVersion', 'autoscaling/v2beta2')),
  prod(
      'a namespace in a namespace', /belongs to none/,
      set(named('Namespace auth'), 'metadata namespace', 'auth')),
  prod('a certificate without a name', /lacks secretName/, unset(certificate, 'secretName')),
  prod(
      'a misspelt field of a certificate', /has no field renewbefore/,
      set(certificate, 'renewbefore', '1h')),
  prod('a usage that nobody knows', /is no .*server auth/, push(certificate, 'usages', 'server')),

  // What a pod may do.
  prod('root', /runs as root/, set(server, 'securityContext runAsUser', 0)),
  prod('another user', /is not the image's user/, set(server, 'securityContext runAsUser', 1000)),
  prod('runAsNonRoot off', /runAsNonRoot/, set(server, 'securityContext runAsNonRoot', false)),
  prod(
      'runAsNonRoot off in a container', /security context with runAsNonRoot/,
      set(container, 'securityContext runAsNonRoot', false)),
  prod(
      'no seccomp profile', /no seccomp profile/,
      unset(job, 'template spec securityContext seccompProfile')),
  prod(
      'an unconfined container', /security context with seccompProfile/,
      set(container, 'securityContext seccompProfile', {type: 'Unconfined'})),
  prod(
      'a root file system to write to', /can write to its root/,
      set(container, 'securityContext readOnlyRootFilesystem', false)),
  dev('the same in the database', /StatefulSet postgres.*can write to its root/,
      unset(postgres, 'containers 0 securityContext readOnlyRootFilesystem')),
  prod(
      'escalation', /may escalate/,
      unset(job, 'template spec containers 0 securityContext allowPrivilegeEscalation')),
  prod(
      'a capability', /drop all capabilities/,
      set(container, 'securityContext capabilities add', ['NET_ADMIN'])),
  prod(
      'capabilities kept', /drop all capabilities/,
      set(container, 'securityContext capabilities drop', ['NET_RAW'])),
  prod(
      'privileged', /security context with privileged/,
      set(container, 'securityContext privileged', true)),
  prod('the network of the node', /no check knows: hostNetwork/, set(server, 'hostNetwork', true)),
  prod('a port of the node', /port of the node/, set(container, 'ports 0 hostPort', 50051)),
  prod(
      'a directory of the node', /is a hostPath/,
      set(server, 'volumes 0', {name: 'database', hostPath: {path: '/'}})),
  prod(
      'a service account token', /service account token/,
      set(server, 'automountServiceAccountToken', true)),
  prod(
      'a token by the account', /gives its service account a token/,
      unset(named('ServiceAccount auth'), 'automountServiceAccountToken')),
  prod('service links', /has service links/, unset(server, 'enableServiceLinks')),
  prod(
      'the default account', /default service account/,
      unset(job, 'template spec serviceAccountName')),
  prod(
      'Pod Security not enforced', /does not enforce/,
      set(named('Namespace auth'), 'metadata labels pod-security.kubernetes.io/enforce',
          'baseline')),
  prod('a pod without limits', /no memory in limits/, unset(container, 'resources limits memory')),
  prod(
      'the latest image', /no image tag/,
      set(container, 'image', 'registry.example.com/auth-service:latest')),
  prod(
      'a second container', /container sidecar: can write/,
      set(server, 'initContainers', [{name: 'sidecar', image: 'a:1'}])),
  prod(
      'a hook', /has a hook/,
      set(container, 'lifecycle', {preStop: {exec: {command: ['sleep', '5']}}})),
  prod(
      'no group for its files', /fsGroup is not its group/,
      unset(server, 'securityContext fsGroup')),
  prod(
      'two namespaces', /has not one namespace/,
      all(set(root, 'apiVersion', 'v1'), set(root, 'kind', 'Namespace'), unset(root, 'spec'),
          unset(root, 'metadata namespace'))),
  prod(
      'rights', /gives somebody rights/,
      all(set(root, 'apiVersion', 'rbac.authorization.k8s.io/v1'), set(root, 'kind', 'Role'),
          unset(root, 'spec'))),
  dev('a volume that fills the node', /has no size limit/,
      unset(postgres, 'volumes 0 emptyDir sizeLimit')),

  // Secrets.
  prod(
      'a secret for everybody', /can be read by others/,
      set(server, 'volumes 0 secret defaultMode', 0o444)),
  prod(
      'a secret by subPath', /never sees a rotation/,
      set(container, 'volumeMounts 0 subPath', 'url')),
  prod('a secret in a variable', /a secret is a file/, push(container, 'env', {
         name: 'AUTH_DATABASE_URL',
         valueFrom: {secretKeyRef: {name: 'auth-database', key: 'url'}}
       })),
  prod(
      'the owner\'s password in the servers', /shares the database role/,
      set(server, 'volumes 0 secret secretName', 'auth-database-owner')),
  prod(
      'a Secret that nobody makes', /nobody makes the Secret/,
      set(server, 'volumes 0 secret secretName', 'auth-db')),
  prod(
      'a key that the Secret has not', /the Secret has no password/,
      set(config, 'AUTH_DATABASE_URL_FILE', '/etc/auth/database/password')),
  prod(
      'a file that nobody mounts', /nothing is mounted at/,
      set(config, 'AUTH_SERVICE_TOKENS_FILE', '/etc/tokens/service-tokens')),
  prod('a volume less', /mounts tls, which is no volume/, dropLast(server, 'volumes')),
  dev('a database of another name', /nobody makes the Secret|refuses it|the Secret has no/,
      set(named('Secret auth-database'), 'data', {uri: ''})),
  base(
      'an example that does not parse', /refuses it/,
      set(named('Example auth-database'), 'stringData url', 'mysql://host')),
  prod(
      'a secret to write to', /is mounted to be written/,
      unset(container, 'volumeMounts 0 readOnly')),
  prod(
      'a secret for nobody', /is mounted nowhere/,
      push(
          server, 'volumes', {name: 'more', secret: {secretName: 'auth-tls', defaultMode: 0o440}})),

  // The server's configuration, judged by the server.
  prod(
      'a misspelt variable',
      /refuses it: .*AUTH_POOL_MAX_CONECTIONS.*did you mean AUTH_POOL_MAX_CONNECTIONS/,
      set(config, 'AUTH_POOL_MAX_CONECTIONS', '5')),
  prod(
      'a misspelt value', /refuses it: .*AUTH_ALLOW_PLAINTEXT/,
      set(config, 'AUTH_ALLOW_PLAINTEXT', 'true')),
  prod(
      'a number without a unit', /refuses it: .*AUTH_DRAIN_DELAY/,
      set(config, 'AUTH_DRAIN_DELAY', '5')),
  prod(
      'an option of the Job', /Job auth-migrate: auth_server refuses it: .*AUTH_LISTN/,
      push(job, 'template spec containers 0 env', {name: 'AUTH_LISTN', value: 'x'})),
  prod('a flag that is none', /refuses it: .*--bogus/, set(container, 'args', ['--bogus'])),
  prod('half a TLS configuration', /refuses it: .*TLS/, set(config, 'AUTH_TLS_KEY', '')),
  prod(
      'no ConfigMap', /names no ConfigMap/,
      set(container, 'envFrom 0 configMapRef name', 'auth-0')),
  prod(
      'plaintext in production', /tls-cert is ""/,
      all(...TLS.map((name) => set(config, name, '')))),
  base('plaintext in the base', /tls-cert is ""/, all(...TLS.map((name) => unset(config, name)))),
  prod(
      'callers without certificates', /tls-client-ca is ""/, set(config, 'AUTH_TLS_CLIENT_CA', '')),
  prod(
      'JSON in plaintext', /serves JSON in plaintext/,
      set(config, 'AUTH_HTTP_LISTEN', '0.0.0.0:8000')),
  prod('probes that cannot reach it', /others cannot reach/, unset(config, 'AUTH_OPS_LISTEN')),

  // What names something else.
  prod(
      'another gRPC port', /port grpc is not --listen/,
      set(config, 'AUTH_LISTEN', '0.0.0.0:50052')),
  prod(
      'another ops port', /port ops is not --ops-listen/,
      set(container, 'ports 1 containerPort', 9091)),
  prod(
      'a Service of nobody', /does not select the pods of one/,
      set(named('Service auth'), 'spec selector app.kubernetes.io/component', 'servers')),
  prod(
      'a Service of the migration, too', /does not select the pods of one/,
      unset(named('Service auth'), 'spec selector app.kubernetes.io/component')),
  prod(
      'a Service to no port', /which its pods do not have/,
      set(named('Service auth'), 'spec ports 0 targetPort', 'https')),
  prod('a virtual address', /is not headless/, unset(named('Service auth'), 'spec clusterIP')),
  prod(
      'a Deployment that loses its pods', /does not select its own pods/,
      set(deployment, 'spec template metadata labels app.kubernetes.io/name', 'auth-server')),
  prod(
      'an autoscaler of nobody', /scales nothing/,
      set(scaler, 'scaleTargetRef name', 'auth-server')),
  prod(
      'a budget of nobody', /does not protect the server/,
      set(named('PodDisruptionBudget auth'), 'spec selector matchLabels app.kubernetes.io/name',
          'x')),
  prod(
      'a certificate of another name', /does not name the Service/,
      set(certificate, 'dnsNames', ['auth.example.com'])),
  prod(
      'a certificate of nobody', /has no issuer/,
      set(certificate, 'issuerRef name', 'letsencrypt')),
  prod('a certificate that expires', /renewed too late/, set(certificate, 'renewBefore', '1h')),
  prod(
      'a self-signed certificate', /not of our authority/,
      set(certificate, 'issuerRef name', 'auth-root')),
  prod(
      'another namespace', /is in another namespace/,
      set(named('Service auth'), 'metadata namespace', 'default')),
  dev('a set without its Service', /names no Service/,
      set(named('StatefulSet postgres'), 'spec serviceName', 'database')),
  prod(
      'a certificate for clients only', /serves nobody/,
      set(certificate, 'usages', ['client auth'])),

  // Rollouts, scaling, failures.
  prod(
      'liveness by the database', /livenessProbe does not ask/,
      set(container, 'livenessProbe httpGet path', '/health/database')),
  prod(
      'readiness by liveness', /readinessProbe does not ask/,
      set(container, 'readinessProbe httpGet path', '/livez')),
  prod('no startup probe', /startupProbe does not ask/, unset(container, 'startupProbe')),
  prod(
      'a start that is killed', /slow start is killed/,
      set(container, 'startupProbe failureThreshold', 3)),
  prod(
      'a hasty liveness probe', /one lost probe/,
      set(container, 'livenessProbe failureThreshold', 1)),
  prod(
      'all pods at once', /stops pods before/,
      set(deployment, 'spec strategy', {type: 'Recreate'})),
  prod(
      'one pod less in a rollout', /stops pods before/,
      set(deployment, 'spec strategy rollingUpdate maxUnavailable', 1)),
  prod(
      'a short grace', /kills before it has drained/,
      set(server, 'terminationGracePeriodSeconds', 30)),
  prod('a longer drain', /kills before it has drained/, set(config, 'AUTH_DRAIN_TIMEOUT', '40s')),
  prod(
      'a shorter drain', /cuts calls that have time left/,
      set(config, 'AUTH_DRAIN_TIMEOUT', '10s')),
  prod('no time for the endpoints', /drains at once/, set(config, 'AUTH_DRAIN_DELAY', '0s')),
  prod(
      'the next pod while one drains', /while one drains/,
      set(deployment, 'spec minReadySeconds', 5)),
  prod('migrations by the servers', /migrates by itself/, unset(config, 'AUTH_MIGRATE')),
  prod(
      'a Job that serves', /does not only migrate/,
      all(set(job, 'template spec containers 0 env 0 value', 'auto'),
          push(
              job, 'template spec containers 0 env', {name: 'AUTH_ALLOW_PLAINTEXT', value: 'on'}))),
  prod(
      'a Job that listens as the image does',
      /Job auth-migrate: auth_server refuses it: auth_server: --listen=0\.0\.0\.0/,
      set(job, 'template spec containers 0 env 0 value', 'auto')),
  prod(
      'a Job of another version', /another image than the servers/,
      set(job, 'template spec containers 0 image', 'registry.example.com/auth-service:0.0.9')),
  prod('a migration that is cut', /ends a migration/, set(job, 'activeDeadlineSeconds', 600)),
  prod(
      'a Job without its failure policy', /repeats what cannot succeed/,
      unset(job, 'podFailurePolicy')),
  prod(
      'more connections than there are', /may open 161 connections of 93/,
      set(config, 'AUTH_POOL_MAX_CONNECTIONS', '20')),
  prod(
      'more pods than connections', /may open 121 connections of 93/,
      set(scaler, 'maxReplicas', 10)),
  prod(
      'no word of the database\'s limit', /may open 81 connections of NaN/,
      unset(deployment, 'metadata annotations')),
  prod(
      'more hash workers', /not a hash worker for each CPU/,
      set(container, 'env 0', {name: 'AUTH_HASH_WORKERS', value: '4'})),
  prod(
      'no CPU beside hashing', /no CPU left beside hashing/,
      set(container, 'resources limits cpu', '2')),
  prod('costlier hashes', /not twice the memory/, set(config, 'AUTH_ARGON2_MEMORY_KIB', '131072')),
  prod('replicas set twice', /set twice/, set(deployment, 'spec replicas', 3)),
  prod('no scaling by the queue', /does not scale by its queue/, dropLast(scaler, 'metrics')),
  prod('no scaling by CPU', /does not scale by CPU/, dropFirst(scaler, 'metrics')),
  prod(
      'two pods evicted', /take more than one pod/,
      set(named('PodDisruptionBudget auth'), 'spec maxUnavailable', 2)),
  prod(
      'all on one node', /is not spread over kubernetes.io\/hostname/,
      dropLast(server, 'topologySpreadConstraints')),
  prod(
      'nodes that take no server', /counts nodes that take no server, over kubernetes.io\/hostname/,
      unset(server, 'topologySpreadConstraints 1 nodeTaintsPolicy')),
  prod(
      'a rollout that gives up', /gives up on itself too early/,
      set(deployment, 'spec progressDeadlineSeconds', 30)),
  prod('no way back', /keeps no old version/, set(deployment, 'spec revisionHistoryLimit', 0)),
  prod(
      'a broken pod that is kept', /a broken pod keeps its node/,
      unset(named('PodDisruptionBudget auth'), 'spec unhealthyPodEvictionPolicy')),
  dev('no replicas', /has no number of replicas/, unset(deployment, 'spec replicas')),
  prod('a single pod', /one pod is all there may be/, set(scaler, 'minReplicas', 1)),
  prod(
      'a hasty scaler', /scales down at once/,
      set(scaler, 'behavior scaleDown stabilizationWindowSeconds', 0)),
  prod('a Job that tries once', /does not try again/, set(job, 'backoffLimit', 0)),
  prod('a Job that stays', /is never removed/, unset(job, 'ttlSecondsAfterFinished')),
  prod(
      'a Job without its logs', /forgets why it failed/,
      set(job, 'template spec restartPolicy', 'OnFailure')),

  // Who reaches whom.
  prod(
      'no policy for all', /another pod: Egress .* is open/,
      set(policy('default-deny'), 'podSelector matchLabels', {app: 'x'})),
  prod(
      'a policy for one direction', /another pod: Egress .* is open/,
      set(policy('default-deny'), 'policyTypes', ['Ingress'])),
  prod(
      'gRPC for everybody', /Ingress of a stranger at TCP 50051 is open/,
      set(policy('auth-callers'), 'ingress 0 from 0 namespaceSelector', {})),
  prod(
      'clients at every port', /Ingress of a client at TCP 9090 is open/,
      unset(policy('auth-callers'), 'ingress 0 ports')),
  prod(
      'clients that are not let in', /Ingress of a client at TCP 50051 is closed/,
      dropFirst(policy('auth-callers'), 'ingress')),
  prod(
      'a port of another name', /Ingress of Prometheus at TCP 9090 is closed/,
      set(policy('auth-callers'), 'ingress 1 ports 0 port', 'metrics')),
  prod(
      'no DNS', /Egress of the DNS at UDP 53 is closed/,
      dropFirst(policy('auth-dns'), 'egress 0 ports')),
  prod(
      'no DNS by NodeLocal DNSCache', /Egress of the DNS of the node at UDP 53 is closed/,
      set(policy('auth-dns'), 'egress 0 to 1 ipBlock cidr', '169.254.20.11/32')),
  prod(
      'no DNS by Cloud DNS', /auth-migrate: Egress of the DNS of GKE at TCP 53 is closed/,
      dropLast(policy('auth-dns'), 'egress 0 to')),
  prod(
      'more than DNS of Cloud DNS', /Egress of the metadata service at TCP 80 is open/,
      unset(policy('auth-dns'), 'egress 0 ports')),
  prod(
      'a database anywhere', /Egress of a private database at TCP 5432 is open/,
      unset(policy('auth-database'), 'egress 0 to')),
  prod(
      'the web', /Egress of the web at TCP 443 is open/,
      unset(policy('auth-database'), 'egress 0 ports')),
  prod(
      'the migration cut off', /auth-migrate: Egress of a database outside at TCP 5432 is closed/,
      set(policy('auth-database'), 'podSelector matchLabels app.kubernetes.io/component',
          'server')),
  dev('a database for all pods', /postgres: Ingress of a neighbour at TCP 5432 is open/,
      set(policy('postgres'), 'ingress 0 from 0 podSelector', {})),
  dev('a database for nobody', /postgres: Ingress of auth at TCP 5432 is closed/,
      set(policy('postgres'), 'ingress', [])),

  prod(
      'a pull at each start', /pulls an image that is there/,
      set(container, 'imagePullPolicy', 'Always')),
  prod(
      'less memory asked for than allowed', /may be evicted for its memory/,
      set(container, 'resources requests memory', '128Mi')),
  prod(
      'a Job whose pods look like servers', /selects pods of others/,
      set(job, 'template metadata labels app.kubernetes.io/component', 'server')),
  prod(
      'a migration that an eviction ends', /counts an eviction as a failure/,
      set((objects) => job(objects).podFailurePolicy.rules.find(({action}) => action === 'Ignore'),
          'action', 'Count')),
  prod(
      'any DNS', /Egress of another DNS at UDP 53 is open/,
      unset(policy('auth-dns'), 'egress 0 to')),
  prod(
      'the metadata service', /Egress of the metadata service at TCP 80 is open/,
      push(policy('auth-database'), 'egress', {
        to: [{ipBlock: {cidr: '169.254.0.0/16'}}],
        ports: [{protocol: 'TCP', port: 80}]
      })),
];
