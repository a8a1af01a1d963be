package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func listed() []string {
	var found []string
	for _, name := range must(adm.ListTopics(ctx)).Names() {
		if strings.HasPrefix(name, names) {
			found = append(found, name)
		}
	}
	return found
}

// until asks again until it is so: the broker learns of its controller's changes a little later.
func until(is func() bool) {
	for !is() {
		select {
		case <-ctx.Done():
			panic("it did not come about")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func administrate() {
	a, b, g := names+"-a", names+"-b", names+"-g"
	create(a, 2, map[string]*string{"retention.ms": text("3600000")})
	create(b, 1, nil)
	again := must(adm.CreateTopics(ctx, 1, 1, nil, a, "not/allowed"))
	for _, name := range []string{a, "not/allowed"} {
		fmt.Println(name, again[name].Err, again[name].ErrMessage)
	}
	described := must(adm.ListTopics(ctx, a, b, "absent"))
	for _, d := range described.Sorted() {
		fmt.Println(d.Topic, d.IsInternal, d.Err)
		for _, p := range d.Partitions.Sorted() {
			fmt.Println(p.Partition, p.Leader, p.Replicas, p.ISR)
		}
	}
	fmt.Println(listed())
	retention := func(becomes string) {
		until(func() bool {
			for _, resource := range must(adm.DescribeTopicConfigs(ctx, a)) {
				for _, config := range resource.Configs {
					if config.Key == "retention.ms" && config.MaybeValue() == becomes {
						fmt.Println(resource.Name, len(resource.Configs), resource.Err, becomes, config.Source)
						return true
					}
				}
			}
			return false
		})
	}
	retention("3600000")
	for _, change := range []struct {
		kadm.AlterConfig
		becomes string
	}{
		{kadm.AlterConfig{Op: kadm.SetConfig, Name: "retention.ms", Value: text("7200000")}, "7200000"},
		{kadm.AlterConfig{Op: kadm.DeleteConfig, Name: "retention.ms"}, "604800000"},
		{kadm.AlterConfig{Op: kadm.SetConfig, Name: "nonsense", Value: text("1")}, "604800000"},
	} {
		for _, altered := range must(adm.AlterTopicConfigs(ctx, []kadm.AlterConfig{change.AlterConfig}, a)) {
			fmt.Println(altered.Name, altered.Err, altered.ErrMessage)
		}
		retention(change.becomes)
	}
	for _, changed := range must(adm.UpdatePartitions(ctx, 3, b, "absent")).Sorted() {
		fmt.Println(changed.Topic, changed.Err, changed.ErrMessage)
	}
	until(func() bool { return len(must(adm.ListTopics(ctx, b))[b].Partitions) == 3 })
	var records []*kgo.Record
	for n := range 10 {
		later := record(a, int32(n%2), "k", fmt.Sprint(n))
		later.Timestamp = time.Now().Add(time.Duration(n) * time.Second)
		records = append(records, later)
	}
	produce(records)
	var positions kadm.Offsets
	positions.AddOffset(a, 0, 3, -1)
	deleted := must(adm.DeleteRecords(ctx, positions))
	deleted.Each(func(d kadm.DeleteRecordsResponse) { fmt.Println("low", d.Topic, d.Partition, d.LowWatermark, d.Err) })
	for _, offsets := range []kadm.ListedOffsets{
		must(adm.ListStartOffsets(ctx, a)), must(adm.ListEndOffsets(ctx, a)), must(adm.ListCommittedOffsets(ctx, a)),
		must(adm.ListMaxTimestampOffsets(ctx, a)), must(adm.ListOffsetsAfterMilli(ctx, 1, a)),
	} {
		for partition := range int32(2) {
			offset, _ := offsets.Lookup(a, partition)
			fmt.Println(offset.Topic, partition, offset.Offset, offset.Err)
		}
	}
	reader := client(kgo.ConsumerGroup(g), kgo.DisableAutoCommit(), kgo.ConsumeTopics(a))
	read(reader, 7)
	check(reader.CommitUncommittedOffsets(ctx))
	for _, found := range must(adm.DescribeGroups(ctx, g, "absent")).Sorted() {
		fmt.Println(found.Group, found.State, found.ProtocolType, len(found.Members), found.Err)
		fmt.Println(found.AssignedPartitions().Sorted())
	}
	reader.Close()
	for _, found := range must(adm.ListGroups(ctx)).Sorted() {
		if strings.HasPrefix(found.Group, names) {
			fmt.Println(found.Group, found.State, found.ProtocolType)
		}
	}
	for _, o := range must(adm.FetchOffsets(ctx, g)).Offsets().Sorted() {
		fmt.Println("committed", o.Topic, o.Partition, o.At)
	}
	var topics kadm.TopicsSet
	topics.Add(a, 0)
	forgotten := must(adm.DeleteOffsets(ctx, g, topics))
	forgotten.EachError(func(topic string, partition int32, err error) { fmt.Println(topic, partition, err) })
	fmt.Println("left", len(must(adm.FetchOffsets(ctx, g)).Offsets().Sorted()))
	for _, gone := range must(adm.DeleteGroups(ctx, g, "absent")).Sorted() {
		fmt.Println("group", gone.Group, gone.Err)
	}
	cluster := must(adm.BrokerMetadata(ctx))
	fmt.Println(cluster.Controller, cluster.Brokers.NodeIDs(), cluster.Cluster != "")
	// Their own order is that of the topics' ids.
	deletions := must(adm.DeleteTopics(ctx, a, b, "absent"))
	for _, topic := range []string{a, b, "absent"} {
		gone := deletions[topic]
		fmt.Println("topic", gone.Topic, gone.Err, gone.ErrMessage)
	}
	until(func() bool { return len(listed()) == 0 })
}

// What an operator asks a cluster.
func more() {
	a := names + "-a"
	create(a, 2, nil)
	produce([]*kgo.Record{record(a, 0, "k", "v")})
	var topics kadm.TopicsSet
	topics.Add(a, 0, 1)
	for _, asked := range []kadm.TopicsSet{topics, nil} {
		dirs := must(adm.DescribeAllLogDirs(ctx, asked))
		for _, dir := range dirs.Sorted() {
			for _, p := range dir.Topics.Sorted() {
				if strings.HasPrefix(p.Topic, names) {
					fmt.Println(dir.Broker, p.Topic, p.Partition, p.Size > 0, p.IsFuture, dir.Err)
				}
			}
		}
	}
	for _, asked := range []kadm.TopicsSet{topics, nil} {
		fmt.Println(len(must(adm.ListPartitionReassignments(ctx, asked))))
	}
	coordinators := adm.FindGroupCoordinators(ctx, names+"-g")
	for _, found := range coordinators.Sorted() {
		fmt.Println(found.Name, found.NodeID, found.Err)
	}
	versions := must(adm.ApiVersions(ctx))
	fmt.Println(len(versions))
	check(must(adm.DeleteTopic(ctx, a)).Err)
}
