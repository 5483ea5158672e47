// The pages of the site in the order of the sidebar. The decisions follow them.

const page = (text, link) => ({ text, link });

export const sidebar = [
  page('The first minute', '/first-minute'),
  {
    text: 'Concepts',
    items: [
      page('Overview', '/concepts/index'),
      page('Event time', '/concepts/event-time'),
      page('Watermarks', '/concepts/watermarks'),
      page('Windows', '/concepts/windows'),
      page('Late rows', '/concepts/late-rows'),
      page('The ledger', '/concepts/ledger'),
    ],
  },
  {
    text: 'SQL',
    items: [
      page('Queries', '/queries'),
      page('Tables', '/tables'),
      page('SQL shell', '/sql-shell'),
      page('SQL gateway', '/sql-gateway'),
      page('Tuning', '/tuning'),
    ],
  },
  {
    text: 'Connectors',
    items: [
      page('Overview', '/connectors'),
      page('Sending events', '/events'),
      page('Redis', '/redis'),
      page('Flink cluster', '/flink-cluster'),
      page('Moving a job to Flink and back', '/take-over'),
    ],
  },
  {
    text: 'Using Weir',
    items: [
      page('Jobs', '/jobs'),
      page('Results', '/results'),
      page('Dashboards', '/dashboards'),
      page('Alerts', '/alerts'),
      page('Dead letters', '/dead-letters'),
    ],
  },
  {
    text: 'Operations',
    items: [
      page('Install', '/install'),
      page('Upgrade', '/operations/upgrade'),
      page('Backup and restore', '/operations/backup'),
      page('Sizing', '/operations/sizing'),
      page('Monitoring', '/monitoring'),
      page('Security', '/security'),
    ],
  },
  {
    text: 'Troubleshooting',
    items: [
      page('Overview', '/troubleshooting/index'),
      page('A job does not start', '/troubleshooting/job-does-not-start'),
      page('Kafka does not answer', '/troubleshooting/kafka'),
      page('Redis refuses or times out', '/troubleshooting/redis'),
      page('High backpressure', '/troubleshooting/backpressure'),
      page('Memory', '/troubleshooting/memory'),
      page('A window does not close', '/troubleshooting/window-does-not-close'),
      page('Numbers differ from Flink’s', '/troubleshooting/numbers-differ'),
      page('The WebSocket does not update', '/troubleshooting/websocket'),
      page('Lines of the log', '/troubleshooting/log-lines'),
    ],
  },
  {
    text: 'Coming from',
    items: [page('Flink', '/coming-from/flink'), page('Spark', '/coming-from/spark')],
  },
  {
    text: 'Reference',
    items: [
      page('Settings', '/reference/settings'),
      page('Functions', '/reference/functions'),
      page('Metrics', '/reference/metrics'),
      page('HTTP routes', '/reference/http'),
      page('Job manager routes', '/reference/job-manager'),
      page('SQL gateway routes', '/reference/sql-gateway'),
      page('Commands', '/reference/commands'),
    ],
  },
  {
    text: 'Evidence',
    collapsed: true,
    items: [
      page('Performance', '/performance'),
      page('The race', '/race'),
      page('Side by side with Flink', '/flink'),
      page('Flink’s REST API', '/flink-rest'),
    ],
  },
];
