// Features of Kafka through franz-go: BOOTSTRAP FEATURE NAMES. What it prints differs only by a fault.
package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	bootstrap, names = os.Args[1], os.Args[3]
	ctx, cancel      = context.WithTimeout(context.Background(), 90*time.Second)
	adm              = kadm.NewClient(client())
)

func main() {
	defer cancel()
	map[string]func(){
		"group":         func() { group(kgo.Balancers(kgo.CooperativeStickyBalancer())) },
		"group-848":     func() { group(kgo.ServerSideBalancer(), kgo.Balancers(kgo.RangeBalancer())) },
		"rebalance":     func() { rebalance(kgo.Balancers(kgo.CooperativeStickyBalancer())) },
		"rebalance-848": func() { rebalance(kgo.ServerSideBalancer(), kgo.Balancers(kgo.RangeBalancer())) },
		"transactions":  transactions,
		"codecs":        codecs,
		"headers":       headers,
		"admin":         administrate,
		"admin-more":    more,
	}[os.Args[2]]()
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func client(options ...kgo.Opt) *kgo.Client {
	common := seeds()
	return must(kgo.NewClient(append(common, options...)...))
}

// The broker's address, and TLS where it is asked for; Go itself reads SSL_CERT_FILE.
func seeds() []kgo.Opt {
	common := []kgo.Opt{kgo.SeedBrokers(bootstrap)}
	if os.Getenv("SECURITY_PROTOCOL") == "SSL" {
		common = append(common, kgo.DialTLSConfig(new(tls.Config)))
	}
	return common
}

func create(topic string, partitions int32, configs map[string]*string) {
	check(must(adm.CreateTopic(ctx, partitions, 1, configs, topic)).Err)
	until(func() bool { return must(adm.ListTopics(ctx, topic))[topic].Err == nil })
}

func text(value string) *string { return &value }

func produce(records []*kgo.Record, options ...kgo.Opt) {
	producer := client(append(options, kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	defer producer.Close()
	check(producer.ProduceSync(ctx, records...).FirstErr())
}

func record(topic string, partition int32, key, value string) *kgo.Record {
	return &kgo.Record{Topic: topic, Partition: partition, Key: []byte(key), Value: []byte(value)}
}

func read(reader *kgo.Client, count int) []*kgo.Record {
	var records []*kgo.Record
	for len(records) < count {
		fetched := reader.PollFetches(ctx)
		check(fetched.Err0())
		for _, err := range fetched.Errors() {
			check(err.Err)
		}
		records = append(records, fetched.Records()...)
	}
	sort.Slice(records, func(i, j int) bool {
		a, b := records[i], records[j]
		return a.Partition < b.Partition || a.Partition == b.Partition && a.Offset < b.Offset
	})
	return records
}

func show(records []*kgo.Record) {
	for _, r := range records {
		fmt.Printf("%s %d %d %q %q %t", r.Topic, r.Partition, r.Offset, r.Key, r.Value, r.Value == nil)
		for _, h := range r.Headers {
			fmt.Printf(" %s=%q(%t)", h.Key, h.Value, h.Value == nil)
		}
		fmt.Println()
	}
}

func group(protocol ...kgo.Opt) {
	topic, g := names+"-orders", names+"-g"
	create(topic, 3, nil)
	var records []*kgo.Record
	for n := range 30 {
		records = append(records, record(topic, int32(n%3), fmt.Sprint("k", n), fmt.Sprint("v", n)))
	}
	produce(records)
	first := client(append(protocol, kgo.ConsumerGroup(g), kgo.DisableAutoCommit(), kgo.HeartbeatInterval(300*time.Millisecond), kgo.ConsumeTopics(topic))...)
	show(read(first, 30))
	check(first.CommitUncommittedOffsets(ctx))
	first.Close()
	produce([]*kgo.Record{record(topic, 1, "later", "x")})
	second := client(append(protocol, kgo.ConsumerGroup(g), kgo.DisableAutoCommit(), kgo.HeartbeatInterval(300*time.Millisecond), kgo.ConsumeRegex(), kgo.ConsumeTopics("^"+names+"-ord.*"))...)
	show(read(second, 1))
	second.Close()
	for _, o := range must(adm.FetchOffsets(ctx, g)).Offsets().Sorted() {
		fmt.Println("committed", o.Topic, o.Partition, o.At)
	}
	for _, described := range must(adm.Lag(ctx, g)).Sorted() {
		fmt.Println("lag", described.Group, described.State, described.Lag.Total())
	}
}

func rebalance(protocol ...kgo.Opt) {
	topic, g := names+"-orders", names+"-g"
	create(topic, 4, nil)
	type change struct {
		member int
		added  bool
		parts  map[string][]int32
	}
	changes := make(chan change, 100)
	member := func(number int) *kgo.Client {
		told := func(added bool) func(context.Context, *kgo.Client, map[string][]int32) {
			return func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
				changes <- change{number, added, parts}
			}
		}
		return client(append(protocol, kgo.ConsumerGroup(g), kgo.DisableAutoCommit(), kgo.HeartbeatInterval(300*time.Millisecond), kgo.ConsumeTopics(topic),
			kgo.OnPartitionsAssigned(told(true)), kgo.OnPartitionsRevoked(told(false)), kgo.OnPartitionsLost(told(false)))...)
	}
	has := []map[string]bool{{}, {}}
	until := func(counts ...int) {
		for len(has[0]) != counts[0] || len(has[1]) != counts[1] {
			select {
			case c := <-changes:
				for topic, parts := range c.parts {
					for _, part := range parts {
						delete(has[c.member], fmt.Sprint(topic, " ", part))
						if c.added {
							has[c.member][fmt.Sprint(topic, " ", part)] = true
						}
					}
				}
			case <-ctx.Done():
				panic(fmt.Sprint("no assignment of ", counts, " but ", has))
			}
		}
		var all []string
		for _, parts := range has {
			for part := range parts {
				all = append(all, part)
			}
		}
		sort.Strings(all)
		fmt.Println(counts, all)
	}
	first := member(0)
	until(4, 0)
	second := member(1)
	until(2, 2)
	for _, described := range must(adm.DescribeGroups(ctx, g)).Sorted() {
		fmt.Println("classic", described.Group, described.State, described.ProtocolType, described.Err)
		for topic, parts := range described.AssignedPartitions() {
			fmt.Println(topic, len(parts))
		}
	}
	for _, described := range must(adm.DescribeConsumerGroups(ctx, g)) {
		fmt.Println("consumer", described.Group, described.State, len(described.Members), described.Err)
		var members []string
		for _, m := range described.Members {
			members = append(members, fmt.Sprint(m.SubscribedTopics, m.Assignment))
		}
		// Their own order is that of their ids.
		sort.Strings(members)
		for _, member := range members {
			fmt.Println(member)
		}
	}
	second.Close()
	until(4, 0)
	first.Close()
}

func transactions() {
	topic, g := names+"-orders", names+"-g"
	create(topic, 1, nil)
	produce([]*kgo.Record{record(topic, 0, "in", "in0"), record(topic, 0, "in", "in1")})
	id := kgo.TransactionalID(names + "-tx")
	session := must(kgo.NewGroupTransactSession(append(seeds(), id, kgo.ConsumerGroup(g), kgo.ConsumeTopics(topic),
		kgo.RequireStableFetchOffsets(), kgo.FetchIsolationLevel(kgo.ReadCommitted()))...))
	for _, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if end == kgo.TryCommit {
			read(session.Client(), 2)
		}
		check(session.Begin())
		check(session.ProduceSync(ctx, record(topic, 0, "t", fmt.Sprint("t0 ", end)), record(topic, 0, "t", fmt.Sprint("t1 ", end))).FirstErr())
		described := must(adm.DescribeTransactions(ctx, names+"-tx"))
		for _, d := range described.Sorted() {
			fmt.Println("transaction", d.TxnID, d.State, d.Topics.Sorted(), d.Err)
		}
		for _, listed := range must(adm.ListTransactions(ctx, nil, nil)).Sorted() {
			if strings.HasPrefix(listed.TxnID, names) {
				fmt.Println("listed", listed.TxnID, listed.State)
			}
		}
		var topics kadm.TopicsSet
		topics.Add(topic, 0)
		for _, producer := range must(adm.DescribeProducers(ctx, topics)).SortedProducers() {
			fmt.Println("producer", producer.Topic, producer.Partition, producer.CurrentTxnStartOffset >= 0)
		}
		fmt.Println(must(session.End(ctx, end)))
	}
	for _, o := range must(adm.FetchOffsets(ctx, g)).Offsets().Sorted() {
		fmt.Println("committed", o.Topic, o.Partition, o.At)
	}
	fenced := client(id)
	check(fenced.BeginTransaction())
	check(fenced.ProduceSync(ctx, record(topic, 0, "f", "f")).FirstErr())
	other := client(id)
	check(other.BeginTransaction())
	check(other.ProduceSync(ctx, record(topic, 0, "o", "o")).FirstErr())
	check(other.EndTransaction(ctx, kgo.TryCommit))
	err := fenced.EndTransaction(ctx, kgo.TryCommit)
	var known *kerr.Error
	fmt.Println("fenced", errors.As(err, &known), err)
	session.Close()
	fenced.Close()
	other.Close()
	for _, isolation := range []kgo.IsolationLevel{kgo.ReadCommitted(), kgo.ReadUncommitted()} {
		reader := client(kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(isolation))
		count := 5
		if isolation == kgo.ReadUncommitted() {
			count = 8
		}
		for _, r := range read(reader, count) {
			fmt.Println(string(r.Value))
		}
		fmt.Println("--")
		reader.Close()
	}
}

func codecs() {
	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		topic := names + "-" + name
		create(topic, 1, nil)
		var records []*kgo.Record
		for n := range 100 {
			records = append(records, record(topic, 0, fmt.Sprint("k", n), strings.Repeat(fmt.Sprint(n, " "), 300)))
		}
		produce(records, kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(50*time.Millisecond))
	}
	for _, name := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		reader := client(kgo.ConsumeTopics(names + "-" + name))
		digest := sha256.New()
		for _, r := range read(reader, 100) {
			digest.Write(r.Key)
			digest.Write(r.Value)
		}
		fmt.Printf("%s %x\n", name, digest.Sum(nil))
		reader.Close()
	}
}

func headers() {
	topic := names + "-orders"
	create(topic, 1, map[string]*string{"cleanup.policy": text("compact")})
	first, tombstone, empty := record(topic, 0, "a", "1"), record(topic, 0, "a", ""), record(topic, 0, "b", "")
	tombstone.Value = nil
	first.Headers = []kgo.RecordHeader{{Key: "trace", Value: []byte{0, 255}}, {Key: "trace", Value: []byte("again")}, {Key: "none"}}
	empty.Headers = []kgo.RecordHeader{{Key: "empty", Value: []byte{}}}
	produce([]*kgo.Record{first, tombstone, empty})
	reader := client(kgo.ConsumeTopics(topic))
	show(read(reader, 3))
	reader.Close()
}
