import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Features of Kafka through Java's own client: SHORT FEATURE=BOOTSTRAP... What it prints differs only by a fault.
 *
 * <p>A JVM is dear to start, so one has all the features, each with a bootstrap address of its own; what each says follows a line of its name.
 */
public final class Program {
    /** What tries one feature. */
    interface Feature {
        void run(Place place) throws Exception;
    }

    private static final Map<String, Feature> FEATURES = new LinkedHashMap<>();

    static {
        FEATURES.put("group", place -> Groups.group(place, "classic"));
        FEATURES.put("group-848", place -> Groups.group(place, "consumer"));
        FEATURES.put("regex-848", Groups::regex);
        FEATURES.put("rebalance", place -> Groups.rebalance(place, "classic"));
        FEATURES.put("rebalance-848", place -> Groups.rebalance(place, "consumer"));
        FEATURES.put("transactions", Transactions::run);
        FEATURES.put("codecs", Records::codecs);
        FEATURES.put("headers", Records::headers);
        FEATURES.put("admin", Topics::run);
        FEATURES.put("admin-groups", Offsets::run);
        FEATURES.put("admin-cluster", Cluster::run);
        FEATURES.put("refusals", Refusals::run);
        FEATURES.put("acls", Acls::run);
        FEATURES.put("write", Equal::write);
        FEATURES.put("look", Equal::look);
    }

    public static void main(String[] arguments) throws Exception {
        List<Callable<String>> tries = new ArrayList<>();
        for (String argument : List.of(arguments).subList(1, arguments.length)) {
            String[] parts = argument.split("=", 2);
            Place place = new Place(parts[1], arguments[0] + "-" + parts[0] + "_");
            tries.add(() -> says(parts[0], place));
        }
        ExecutorService threads = Executors.newCachedThreadPool();
        for (Future<String> said : threads.invokeAll(tries)) {
            System.out.print(said.get());
        }
        System.out.flush();
        // Some client's thread may linger in a feature that failed.
        System.exit(0);
    }

    private static String says(String feature, Place place) {
        try (place) {
            FEATURES.get(feature).run(place);
            return "== " + feature + "\n" + place.said();
        } catch (Throwable error) {
            java.io.StringWriter trace = new java.io.StringWriter();
            error.printStackTrace(new java.io.PrintWriter(trace));
            return "== " + feature + " failed\n" + place.said() + trace;
        }
    }
}
