// A browser, as far as the scripts of the guide need one, on node. Reads {base, storage, code, ask} from standard
// input: runs the scripts in `code` one after the other as one page would, then evaluates `ask`, and writes what
// that gave and whatever the page showed.
'use strict';
const vm = require('node:vm');

const { base, storage, code, ask } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
const shown = [];
const requests = [];
const show = (name) => (...values) => { shown.push([name, ...values]); };
const elements = {};

const page = vm.createContext({
  fetch: (path, options = {}) => {
    requests.push([options.method ?? 'GET', path]);
    return fetch(new URL(path, base), { ...options, headers: { connection: 'close', ...options.headers } });
  },
  localStorage: { getItem: (key) => storage[key] ?? null },
  document: { getElementById: (id) => (elements[id] ??= { innerHTML: '' }) },
  mermaid: {
    initialize: show('mermaid.initialize'),
    render: async (id, source) => ({ svg: `<svg>${source}</svg>` }),
  },
  console: { log: show('console.log') },
  // What the guide's last scripts leave to the page.
  getToken: () => storage.auth_token,
  userId: storage.user_id,
  ...Object.fromEntries(
    ['showNotification', 'showFormErrors', 'showError', 'showSuccess'].map((name) => [name, show(name)]),
  ),
});

let answer = null;
for (const script of code) vm.runInContext(script, page);
if (ask) vm.runInContext(ask, page).then((value) => { answer = value ?? null; });

// Nothing is on its way any more: every request was answered and every promise settled.
process.on('beforeExit', () => {
  process.stdout.write(JSON.stringify({ answer, shown, requests, elements }));
  process.exit(0);
});
