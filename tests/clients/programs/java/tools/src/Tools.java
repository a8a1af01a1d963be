import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The command-line tools of Kafka: SHORT FEATURE=BOOTSTRAP... What they print differs only by a fault.
 *
 * <p>They run one after the other in one JVM, by their own main classes; what they say follows a line of the feature's name.
 */
public final class Tools {
    /** What tries one feature. */
    interface Feature {
        void run(Terminal terminal) throws Exception;
    }

    private static final Map<String, Feature> FEATURES = new LinkedHashMap<>();

    static {
        FEATURES.put("topics", ToolsOfTopics::topics);
        FEATURES.put("configs", ToolsOfTopics::configs);
        FEATURES.put("console", ToolsOfRecords::console);
        FEATURES.put("consumer-groups", ToolsOfRecords::groups);
        FEATURES.put("offsets", ToolsOfRecords::offsets);
        FEATURES.put("transactions", ToolsOfRecords::transactions);
        FEATURES.put("log-dirs", ToolsOfClusters::logDirs);
        FEATURES.put("leader-election", ToolsOfClusters::elections);
        FEATURES.put("reassign-partitions", ToolsOfClusters::reassignments);
        FEATURES.put("cluster", ToolsOfClusters::cluster);
        FEATURES.put("api-versions", ToolsOfClusters::apiVersions);
        FEATURES.put("refusals", ToolsOfClusters::refusals);
    }

    public static void main(String[] arguments) throws Exception {
        Terminal.open();
        StringBuilder all = new StringBuilder();
        for (String argument : List.of(arguments).subList(1, arguments.length)) {
            String[] parts = argument.split("=", 2);
            Terminal terminal = new Terminal(parts[1], arguments[0] + "-" + parts[0] + "_");
            try {
                FEATURES.get(parts[0]).run(terminal);
                all.append("== ").append(parts[0]).append('\n').append(terminal.said());
            } catch (Throwable error) {
                all.append("== ").append(parts[0]).append(" failed\n").append(terminal.said()).append(Terminal.trace(error));
            }
        }
        Terminal.close(all.toString());
    }
}
