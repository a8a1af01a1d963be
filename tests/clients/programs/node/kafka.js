// Features of Kafka through kafkajs: BOOTSTRAP FEATURE NAMES. What it prints differs only by a fault.
const { createHash } = require('crypto')
const { Kafka, CompressionTypes, ConfigResourceTypes, logLevel } = require('kafkajs')

process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'
const [bootstrap, feature, names] = process.argv.slice(2)
const ssl = process.env.SECURITY_PROTOCOL === 'SSL'
const kafka = new Kafka({ brokers: [bootstrap], ssl, logLevel: logLevel.NOTHING, retry: { initialRetryTime: 50 } })
const admin = kafka.admin()

async function create(topic, numPartitions, configEntries = []) {
  const topics = [{ topic, numPartitions, replicationFactor: 1, configEntries }]
  const made = await admin.createTopics({ waitForLeaders: false, topics })
  // The broker learns of its controller's changes a little later.
  while (!(await admin.listTopics()).includes(topic)) await new Promise(done => setTimeout(done, 10))
  return made
}

const consumer = (groupId, more = {}) => kafka.consumer({ groupId, heartbeatInterval: 300, maxWaitTimeInMs: 200, ...more })

async function produce(topic, messages, compression = CompressionTypes.None) {
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  await producer.send({ topic, messages, compression, acks: -1 })
  await producer.disconnect()
}

// Reads so many messages from the beginning or what is committed, commits them if asked to, and leaves.
async function read(groupId, topics, count, { commits = false, ...more } = {}) {
  const reader = consumer(groupId, more)
  const messages = []
  await reader.connect()
  await reader.subscribe({ topics, fromBeginning: true })
  await new Promise((done, failed) => {
    reader.on(reader.events.CRASH, ({ payload }) => failed(payload.error))
    reader.run({
      autoCommit: false,
      eachMessage: async ({ topic, partition, message }) => {
        messages.push({ topic, partition, ...message })
        if (messages.length === count) done()
      },
    }).catch(failed)
  })
  const next = messages.map(({ topic, partition, offset }) => ({ topic, partition, offset: `${BigInt(offset) + 1n}` }))
  if (commits) await reader.commitOffsets(next)
  await reader.disconnect()
  return messages.sort((a, b) => a.partition - b.partition || Number(a.offset) - Number(b.offset))
}

const show = messages =>
  messages.forEach(({ topic, partition, offset, key, value, headers }) =>
    console.log(topic, partition, offset, String(key), value === null ? null : JSON.stringify(String(value)), JSON.stringify(headers)))

async function attempt(name, promise) {
  try {
    return await promise
  } catch (error) {
    const errors = error.errors || [error]
    console.log(name, errors.map(one => `${one.type || one.name} ${one.message} ${one.topic || one.groupId || ''}`).join('; '))
  }
}

const features = {
  async group() {
    const topic = `${names}-orders`
    await create(topic, 3)
    await produce(topic, [...Array(30).keys()].map(n => ({ partition: n % 3, key: `k${n}`, value: `v${n}` })))
    show(await read(`${names}-g`, [topic], 30, { commits: true }))
    await produce(topic, [{ partition: 1, key: 'later', value: 'x' }])
    show(await read(`${names}-g`, [new RegExp(`^${names}-ord.*`)], 1))
    const offsets = await admin.fetchOffsets({ groupId: `${names}-g`, topics: [topic] })
    offsets.forEach(({ partitions }) => partitions.sort((a, b) => a.partition - b.partition))
    console.log(JSON.stringify(offsets))
  },

  async rebalance() {
    const topic = `${names}-orders`
    await create(topic, 4)
    const has = [[], []]
    let changed = () => {}
    const members = [0, 1].map(number => {
      const member = consumer(`${names}-g`)
      member.on(member.events.GROUP_JOIN, ({ payload }) => {
        has[number] = payload.memberAssignment[topic] || []
        changed()
      })
      return member
    })
    const start = async member => {
      await member.connect()
      await member.subscribe({ topics: [topic] })
      await member.run({ eachMessage: async () => {} })
    }
    const until = (...counts) => new Promise(done => {
      changed = () => has.every((parts, n) => parts.length === counts[n]) && done()
      changed()
    }).then(() => console.log(counts, has.flat().sort()))
    await start(members[0])
    await until(4, 0)
    await start(members[1])
    await until(2, 2)
    const { groups: [group] } = await admin.describeGroups([`${names}-g`])
    console.log(group.groupId, group.state, group.protocolType, group.protocol, group.members.length)
    await members[1].disconnect()
    has[1] = []
    await until(4, 0)
    await members[0].disconnect()
  },

  async transactions() {
    const topic = `${names}-orders`
    await create(topic, 1)
    const settings = { transactionalId: `${names}-tx`, maxInFlightRequests: 1, idempotent: true }
    const producer = kafka.producer(settings)
    await producer.connect()
    for (const end of ['commit', 'abort']) {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: [0, 1].map(n => ({ key: end, value: `${end}${n}` })) })
      await transaction.sendOffsets({ consumerGroupId: `${names}-g`, topics: [{ topic, partitions: [{ partition: 0, offset: end === 'commit' ? '1' : '2' }] }] })
      await transaction[end]()
    }
    console.log(JSON.stringify(await admin.fetchOffsets({ groupId: `${names}-g`, topics: [topic] })))
    const fenced = await producer.transaction()
    await fenced.send({ topic, messages: [{ value: 'f' }] })
    const other = kafka.producer(settings)
    await other.connect()
    const transaction = await other.transaction()
    await transaction.send({ topic, messages: [{ value: 'o' }] })
    await transaction.commit()
    await attempt('fenced', fenced.commit())
    await other.disconnect()
    await producer.disconnect()
    for (const [readUncommitted, count] of [[false, 3], [true, 6]]) {
      const messages = await read(`${names}-${readUncommitted}`, [topic], count, { readUncommitted })
      console.log(readUncommitted, messages.map(({ value }) => String(value)))
    }
  },

  async codecs() {
    for (const [codec, compression] of [['none', CompressionTypes.None], ['gzip', CompressionTypes.GZIP]]) {
      const topic = `${names}-${codec}`
      await create(topic, 1)
      await produce(topic, [...Array(100).keys()].map(n => ({ key: `k${n}`, value: `${n} `.repeat(300) })), compression)
      const digest = createHash('sha256')
      for (const { key, value } of await read(`${names}-${codec}`, [topic], 100)) digest.update(key).update(value)
      console.log(codec, digest.digest('hex'))
    }
  },

  async headers() {
    const topic = `${names}-orders`
    await create(topic, 1, [{ name: 'cleanup.policy', value: 'compact' }])
    await produce(topic, [
      { key: 'a', value: '1', headers: { trace: [Buffer.from([0, 255]), 'again'], other: 'x' } },
      { key: 'a', value: null },
      { key: 'b', value: '', headers: { empty: '' } },
    ])
    show(await read(`${names}-g`, [topic], 3))
  },

  async admin() {
    const [a, b, g] = [`${names}-a`, `${names}-b`, `${names}-g`]
    console.log(await create(a, 2, [{ name: 'retention.ms', value: '3600000' }]), await create(b, 1), await create(a, 2))
    await attempt('create', admin.createTopics({ topics: [{ topic: 'not/allowed' }] }))
    const { topics } = await admin.fetchTopicMetadata({ topics: [a, b] })
    topics.sort((x, y) => x.name.localeCompare(y.name))
    topics.forEach(({ name, partitions }) => console.log(name, partitions.map(p => [p.partitionId, p.leader, p.replicas, p.isr].join()).sort()))
    await attempt('metadata', admin.fetchTopicMetadata({ topics: ['absent'] }))
    const listed = async () => (await admin.listTopics()).filter(name => name.startsWith(names)).sort()
    console.log(await listed())
    // The broker shows a change a little after it took it.
    const retention = async becomes => {
      for (;;) {
        const { resources } = await admin.describeConfigs({ resources: [{ type: ConfigResourceTypes.TOPIC, name: a, configNames: ['retention.ms'] }] })
        const [{ resourceName, configEntries }] = resources
        if (configEntries[0].configValue === becomes) return console.log(resourceName, resources.length, configEntries.length, becomes)
      }
    }
    await retention('3600000')
    await admin.alterConfigs({ resources: [{ type: ConfigResourceTypes.TOPIC, name: a, configEntries: [{ name: 'retention.ms', value: '7200000' }] }] })
    await retention('7200000')
    await attempt('alter', admin.alterConfigs({ resources: [{ type: ConfigResourceTypes.TOPIC, name: a, configEntries: [{ name: 'nonsense', value: '1' }] }] }))
    console.log(await admin.createPartitions({ topicPartitions: [{ topic: b, count: 3 }] }))
    await attempt('partitions', admin.createPartitions({ topicPartitions: [{ topic: b, count: 2 }] }))
    await produce(a, [...Array(10).keys()].map(n => ({ partition: n % 2, value: `${n}` })))
    const byPartition = offsets => JSON.stringify(offsets.sort((x, y) => x.partition - y.partition))
    console.log(byPartition(await admin.fetchTopicOffsets(a)), byPartition(await admin.fetchTopicOffsetsByTimestamp(a, 1)))
    await admin.deleteTopicRecords({ topic: a, partitions: [{ partition: 0, offset: '3' }] })
    console.log(byPartition(await admin.fetchTopicOffsets(a)))
    await read(g, [a], 7, { commits: true })
    const { groups } = await admin.listGroups()
    console.log(groups.filter(({ groupId }) => groupId.startsWith(names)))
    const { groups: [group] } = await admin.describeGroups([g])
    console.log(group.groupId, group.state, group.protocolType)
    await admin.setOffsets({ groupId: g, topic: a, partitions: [{ partition: 1, offset: '2' }] })
    const fetched = await admin.fetchOffsets({ groupId: g })
    console.log(fetched.map(({ topic, partitions }) => topic + byPartition(partitions)))
    await attempt('groups', admin.deleteGroups(['absent']))
    console.log(await admin.deleteGroups([g]))
    const cluster = await admin.describeCluster()
    console.log(cluster.brokers.map(({ nodeId }) => nodeId), cluster.controller, cluster.clusterId !== '')
    await attempt('topics', admin.deleteTopics({ topics: ['absent'] }))
    await admin.deleteTopics({ topics: [a, b] })
    while ((await listed()).length > 0) await new Promise(done => setTimeout(done, 10))
    console.log('deleted')
  },
}

async function main() {
  await admin.connect()
  await features[feature]()
  await admin.disconnect()
}

main().catch(error => {
  console.error(error)
  process.exit(1)
})
