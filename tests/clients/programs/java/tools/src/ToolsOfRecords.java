import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.tools.ConsoleProducer;
import org.apache.kafka.tools.DeleteRecordsCommand;
import org.apache.kafka.tools.GetOffsetShell;
import org.apache.kafka.tools.GroupsCommand;
import org.apache.kafka.tools.TopicCommand;
import org.apache.kafka.tools.TransactionsCommand;
import org.apache.kafka.tools.consumer.ConsoleConsumer;
import org.apache.kafka.tools.consumer.group.ConsumerGroupCommand;

/** kafka-console-producer, kafka-console-consumer, kafka-consumer-groups, kafka-groups, kafka-get-offsets, kafka-delete-records, kafka-transactions. */
final class ToolsOfRecords {
    static void console(Terminal terminal) throws Exception {
        String a = topic(terminal);
        terminal.given("trace:7,other:x\tk1|v1\nNULL\tk2|NULL\nNULL\tk3|\n").run("kafka-console-producer", ConsoleProducer::main, "--topic", a,
            "--reader-property", "parse.key=true", "--reader-property", "key.separator=|", "--reader-property", "parse.headers=true", "--reader-property", "null.marker=NULL");
        terminal.given("plain\n").run("kafka-console-producer", ConsoleProducer::main, "--topic", a, "--compression-codec", "zstd", "--request-required-acks", "all");
        terminal.run("kafka-console-consumer", ConsoleConsumer::main, "--topic", a, "--from-beginning", "--max-messages", "4",
            "--formatter-property", "print.key=true", "--formatter-property", "print.headers=true", "--formatter-property", "print.offset=true", "--formatter-property", "print.partition=true");
        terminal.run("kafka-console-consumer", ConsoleConsumer::main, "--topic", a, "--partition", "0", "--offset", "1", "--max-messages", "2");
        terminal.run("kafka-console-consumer", ConsoleConsumer::main, "--include", terminal.names + ".*", "--from-beginning", "--max-messages", "1", "--isolation-level", "read_committed");
    }

    static void groups(Terminal terminal) throws Exception {
        String a = topic(terminal);
        String g = terminal.names + "-g";
        terminal.given("one\ntwo\nthree\n").run("kafka-console-producer", ConsoleProducer::main, "--topic", a);
        for (String protocol : List.of("classic", "consumer")) {
            terminal.run("kafka-console-consumer", ConsoleConsumer::main, "--topic", a, "--group", g + "-" + protocol, "--consumer-property", "group.protocol=" + protocol,
                "--from-beginning", "--max-messages", "3");
        }
        terminal.given("four\n").run("kafka-console-producer", ConsoleProducer::main, "--topic", a);
        String one = g + "-classic";
        terminal.only(terminal.names).run("kafka-consumer-groups", ConsumerGroupCommand::main, "--list");
        terminal.only(terminal.names).run("kafka-consumer-groups", ConsumerGroupCommand::main, "--list", "--state", "Empty");
        terminal.only(terminal.names).run("kafka-groups", GroupsCommand::main, "--list");
        for (String group : List.of(one, g + "-consumer", "absent")) {
            terminal.run("kafka-consumer-groups", ConsumerGroupCommand::main, "--describe", "--group", group);
        }
        terminal.run("kafka-consumer-groups", ConsumerGroupCommand::main, "--describe", "--state", "--group", one);
        terminal.run("kafka-consumer-groups", ConsumerGroupCommand::main, "--describe", "--members", "--group", one);
        terminal.only(terminal.names).run("kafka-consumer-groups", ConsumerGroupCommand::main, "--describe", "--all-groups");
        terminal.run("kafka-consumer-groups", ConsumerGroupCommand::main, "--reset-offsets", "--to-earliest", "--topic", a, "--group", one, "--dry-run");
        terminal.run("kafka-consumer-groups", ConsumerGroupCommand::main, "--reset-offsets", "--shift-by", "-1", "--all-topics", "--group", one, "--execute");
        terminal.run("kafka-consumer-groups", ConsumerGroupCommand::main, "--reset-offsets", "--to-datetime", "2020-01-01T00:00:00.000", "--topic", a + ":0", "--group", one, "--execute", "--export");
        terminal.run("kafka-consumer-groups", ConsumerGroupCommand::main, "--delete-offsets", "--topic", a, "--group", one);
        terminal.run("kafka-consumer-groups", ConsumerGroupCommand::main, "--describe", "--offsets", "--group", one);
        terminal.run("kafka-consumer-groups", ConsumerGroupCommand::main, "--delete", "--group", one);
        terminal.run("kafka-consumer-groups", ConsumerGroupCommand::main, "--delete", "--group", "absent");
    }

    static void offsets(Terminal terminal) throws Exception {
        String a = topic(terminal);
        terminal.given("one\ntwo\nthree\n").run("kafka-console-producer", ConsoleProducer::main, "--topic", a);
        for (String time : List.of("earliest", "latest", "1")) {
            terminal.run("kafka-get-offsets", GetOffsetShell::main, "--topic", a, "--time", time);
        }
        terminal.run("kafka-get-offsets", GetOffsetShell::main, "--topic-partitions", terminal.names + ".*:0");
        terminal.run("kafka-get-offsets", GetOffsetShell::main, "--topic", "absent");
        String file = Terminal.file("{\"partitions\":[{\"topic\":\"" + a + "\",\"partition\":0,\"offset\":2}],\"version\":1}");
        terminal.run("kafka-delete-records", DeleteRecordsCommand::main, "--offset-json-file", file);
        terminal.run("kafka-get-offsets", GetOffsetShell::main, "--topic", a, "--time", "earliest");
    }

    static void transactions(Terminal terminal) throws Exception {
        String a = topic(terminal);
        String id = terminal.names + "-tx";
        Map<String, Object> settings = Map.of("bootstrap.servers", terminal.bootstrap, "transactional.id", id, "security.protocol", Terminal.SECURITY);
        KafkaProducer<String, String> producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
        producer.initTransactions();
        producer.beginTransaction();
        producer.send(new ProducerRecord<>(a, "open")).get();
        terminal.only(terminal.names).masking("Coordinator", "ProducerId").run("kafka-transactions", TransactionsCommand::main, "list");
        terminal.masking("ProducerId", "CurrentTransactionStartTimeMs", "TransactionDurationMs").run("kafka-transactions", TransactionsCommand::main, "describe", "--transactional-id", id);
        terminal.masking("ProducerId", "LastTimestamp").run("kafka-transactions", TransactionsCommand::main, "describe-producers", "--topic", a, "--partition", "0");
        terminal.run("kafka-transactions", TransactionsCommand::main, "find-hanging", "--topic", a, "--partition", "0");
        terminal.run("kafka-transactions", TransactionsCommand::main, "abort", "--topic", a, "--partition", "0", "--start-offset", "0");
        terminal.run("kafka-transactions", TransactionsCommand::main, "abort", "--topic", a, "--partition", "0", "--start-offset", "7");
        terminal.run("kafka-transactions", TransactionsCommand::main, "forceTerminateTransaction", "--transactionalId", id);
        terminal.run("kafka-transactions", TransactionsCommand::main, "describe", "--transactional-id", "absent");
        terminal.run("kafka-console-consumer", ConsoleConsumer::main, "--topic", a, "--from-beginning", "--timeout-ms", "1000", "--isolation-level", "read_committed");
        terminal.run("kafka-get-offsets", GetOffsetShell::main, "--topic", a);
    }

    private static String topic(Terminal terminal) throws Exception {
        String a = terminal.names + "-a";
        terminal.run("kafka-topics", TopicCommand::main, "--create", "--topic", a);
        ToolsOfTopics.seen(terminal, a);
        return a;
    }
}
