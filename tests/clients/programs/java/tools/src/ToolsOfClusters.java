import java.util.List;
import kafka.admin.ConfigCommand;
import org.apache.kafka.tools.AclCommand;
import org.apache.kafka.tools.BrokerApiVersionsCommand;
import org.apache.kafka.tools.ClientMetricsCommand;
import org.apache.kafka.tools.ClusterTool;
import org.apache.kafka.tools.DelegationTokenCommand;
import org.apache.kafka.tools.FeatureCommand;
import org.apache.kafka.tools.LeaderElectionCommand;
import org.apache.kafka.tools.LogDirsCommand;
import org.apache.kafka.tools.MetadataQuorumCommand;
import org.apache.kafka.tools.TopicCommand;
import org.apache.kafka.tools.consumer.group.ShareGroupCommand;
import org.apache.kafka.tools.reassign.ReassignPartitionsCommand;

/** kafka-log-dirs, kafka-leader-election, kafka-reassign-partitions, kafka-cluster, kafka-broker-api-versions, and the tools of a whole server. */
final class ToolsOfClusters {
    static void logDirs(Terminal terminal) throws Exception {
        topic(terminal);
        terminal.run("kafka-log-dirs", LogDirsCommand::main, "--describe", "--topic-list", terminal.names + "-a");
        terminal.run("kafka-log-dirs", LogDirsCommand::main, "--describe", "--broker-list", "1", "--topic-list", "absent");
        terminal.run("kafka-log-dirs", LogDirsCommand::main, "--describe", "--broker-list", "7");
    }

    static void elections(Terminal terminal) throws Exception {
        topic(terminal);
        String a = terminal.names + "-a";
        for (String type : List.of("preferred", "unclean")) {
            terminal.run("kafka-leader-election", LeaderElectionCommand::main, "--election-type", type, "--topic", a, "--partition", "0");
        }
        terminal.run("kafka-leader-election", LeaderElectionCommand::main, "--election-type", "preferred", "--topic", "absent", "--partition", "0");
        terminal.run("kafka-leader-election", LeaderElectionCommand::main, "--election-type", "preferred", "--all-topic-partitions");
    }

    static void reassignments(Terminal terminal) throws Exception {
        topic(terminal);
        String a = terminal.names + "-a";
        String move = Terminal.file("{\"version\":1,\"partitions\":[{\"topic\":\"" + a + "\",\"partition\":0,\"replicas\":[1]}]}");
        String nowhere = Terminal.file("{\"version\":1,\"partitions\":[{\"topic\":\"" + a + "\",\"partition\":0,\"replicas\":[7]}]}");
        String topics = Terminal.file("{\"version\":1,\"topics\":[{\"topic\":\"" + a + "\"}]}");
        terminal.run("kafka-reassign-partitions", ReassignPartitionsCommand::main, "--list");
        terminal.run("kafka-reassign-partitions", ReassignPartitionsCommand::main, "--generate", "--topics-to-move-json-file", topics, "--broker-list", "1");
        terminal.run("kafka-reassign-partitions", ReassignPartitionsCommand::main, "--execute", "--reassignment-json-file", move);
        terminal.run("kafka-reassign-partitions", ReassignPartitionsCommand::main, "--verify", "--reassignment-json-file", move);
        terminal.run("kafka-reassign-partitions", ReassignPartitionsCommand::main, "--execute", "--reassignment-json-file", nowhere);
        terminal.run("kafka-reassign-partitions", ReassignPartitionsCommand::main, "--cancel", "--reassignment-json-file", move);
    }

    static void cluster(Terminal terminal) throws Exception {
        for (String command : List.of("cluster-id", "list-endpoints")) {
            terminal.masking("PORT").runs("kafka-cluster", ClusterTool::main, command, List.of(command, "--bootstrap-server", terminal.bootstrap));
        }
    }

    /** What this edge handles of what the broker has; the rest is taken out. */
    static void apiVersions(Terminal terminal) throws Exception {
        terminal.run("kafka-broker-api-versions", BrokerApiVersionsCommand::main);
    }

    static void refusals(Terminal terminal) throws Exception {
        terminal.run("kafka-configs", ConfigCommand::main, "--alter", "--entity-type", "users", "--entity-name", "ann", "--add-config", "producer_byte_rate=1024");
        terminal.run("kafka-configs", ConfigCommand::main, "--describe", "--entity-type", "users");
        terminal.run("kafka-configs", ConfigCommand::main, "--alter", "--entity-type", "users", "--entity-name", "ann", "--add-config", "SCRAM-SHA-256=[password=secret]");
        terminal.run("kafka-configs", ConfigCommand::main, "--alter", "--entity-type", "brokers", "--entity-name", "1", "--add-config", "log.cleaner.threads=2");
        terminal.run("kafka-acls", AclCommand::main, "--list");
        terminal.run("kafka-acls", AclCommand::main, "--add", "--allow-principal", "User:ann", "--operation", "read", "--topic", "orders");
        terminal.runs("kafka-metadata-quorum", MetadataQuorumCommand::main, "describe --status", List.of("--bootstrap-server", terminal.bootstrap, "describe", "--status"));
        terminal.runs("kafka-cluster", ClusterTool::main, "unregister --id 7", List.of("unregister", "--id", "7", "--bootstrap-server", terminal.bootstrap));
        terminal.runs("kafka-features", FeatureCommand::main, "downgrade --feature group.version=0 --dry-run",
            List.of("--bootstrap-server", terminal.bootstrap, "downgrade", "--feature", "group.version=0", "--dry-run"));
        terminal.run("kafka-client-metrics", ClientMetricsCommand::main, "--alter", "--name", "m", "--interval", "1000", "--metrics", "org.apache.kafka");
        terminal.run("kafka-client-metrics", ClientMetricsCommand::main, "--list");
        terminal.run("kafka-share-groups", ShareGroupCommand::main, "--describe", "--group", "g");
        terminal.run("kafka-delegation-tokens", DelegationTokenCommand::main, "--describe");
    }

    private static void topic(Terminal terminal) throws Exception {
        terminal.run("kafka-topics", TopicCommand::main, "--create", "--topic", terminal.names + "-a");
        ToolsOfTopics.seen(terminal, terminal.names + "-a");
    }
}
