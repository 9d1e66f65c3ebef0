import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * HikariCP as a peer of tests/bench/pool_faults/run, which explains commands and answers.
 *
 * <p>HikariPeer URL CONNECTIONS TIMEOUT_SECONDS default|validating
 *
 * <p>`validating` sets com.zaxxer.hikari.aliveBypassWindowMs=0: each borrow is validated, also that
 * of a connection used within the last 500 ms.
 */
public final class HikariPeer {
  private static final String CALL = "SELECT pg_sleep(0.002)";
  private static final int MOST_SAMPLES = 1_000_000;

  public static void main(String[] args) throws Exception {
    if (args[3].equals("validating")) {
      System.setProperty("com.zaxxer.hikari.aliveBypassWindowMs", "0");
    }
    int connections = Integer.parseInt(args[1]);
    URI url = URI.create(args[0]);
    String[] login = url.getUserInfo().split(":");
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl("jdbc:postgresql://" + url.getHost() + ":" + url.getPort() + url.getPath());
    config.setUsername(login[0]);
    config.setPassword(login[1]);
    config.setMaximumPoolSize(connections);
    config.setConnectionTimeout(Long.parseLong(args[2]) * 1000);
    try (HikariDataSource pool = new HikariDataSource(config)) {
      serve(pool, connections);
    }
  }

  private static void serve(HikariDataSource pool, int connections) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    Load load = null;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] words = line.split(" ");
      String answer = "{}";
      switch (words[0]) {
        case "warm":
          answer = warm(pool, connections);
          break;
        case "calls":
          Load calls = new Load(pool);
          for (int i = 0; i < Integer.parseInt(words[1]); ++i) calls.callOnce();
          answer = calls.stop();
          break;
        case "start":
          load = new Load(pool);
          load.start(Integer.parseInt(words[1]), Integer.parseInt(words[2]));
          break;
        case "mark":
          load.mark();
          break;
        case "stop":
          answer = load.stop();
          break;
        case "cycle":
          answer = cycle(pool, Integer.parseInt(words[1]), Integer.parseInt(words[2]));
          break;
        default:
          break;
      }
      System.out.println(answer);
      System.out.flush();
    }
  }

  private static void call(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(CALL);
    }
  }

  /** Opens all connections: borrows them at once and calls on each. */
  private static String warm(HikariDataSource pool, int connections) {
    List<Connection> borrowed = new ArrayList<>();
    String answer = "{}";
    try {
      for (int i = 0; i < connections; ++i) borrowed.add(pool.getConnection());
      for (Connection connection : borrowed) call(connection);
    } catch (SQLException e) {
      answer = "{\"error\":\"" + e.getClass().getSimpleName() + "\"}";
    }
    for (Connection connection : borrowed) {
      try {
        connection.close();
      } catch (SQLException e) {
        answer = "{\"error\":\"" + e.getClass().getSimpleName() + "\"}";
      }
    }
    return answer;
  }

  private static String cycle(HikariDataSource pool, int threads, int milliseconds)
      throws InterruptedException {
    long[][] samples = new long[threads][MOST_SAMPLES];
    int[] counts = new int[threads];
    long end = System.nanoTime() + milliseconds * 1_000_000L;
    Thread[] workers = new Thread[threads];
    for (int t = 0; t < threads; ++t) {
      final int me = t;
      workers[t] =
          new Thread(
              () -> {
                int count = 0;
                long begin = System.nanoTime();
                while (begin < end && count < MOST_SAMPLES) {
                  try {
                    pool.getConnection().close();
                  } catch (SQLException e) {
                    throw new IllegalStateException(e);
                  }
                  long after = System.nanoTime();
                  samples[me][count++] = after - begin;
                  begin = after;
                }
                counts[me] = count;
              });
      workers[t].start();
    }
    for (Thread worker : workers) worker.join();
    long[] all = new long[Arrays.stream(counts).sum()];
    int filled = 0;
    for (int t = 0; t < threads; ++t) {
      System.arraycopy(samples[t], 0, all, filled, counts[t]);
      filled += counts[t];
    }
    Arrays.sort(all);
    return "{\"p50_ns\":" + all[all.length / 2] + "}";
  }

  /** Calls of several threads, and how they ended. */
  private static final class Load {
    private final HikariDataSource pool;
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean stop = false;
    private long calls = 0;
    private long failed = 0;
    private long longest = 0;
    private long mark = 0;
    private long firstOk = -1;

    Load(HikariDataSource pool) {
      this.pool = pool;
    }

    void start(int count, int pause) {
      for (int i = 0; i < count; ++i) {
        Thread thread = new Thread(() -> run(pause));
        threads.add(thread);
        thread.start();
      }
    }

    private void run(int pause) {
      while (!stop) {
        callOnce();
        try {
          Thread.sleep(pause);
        } catch (InterruptedException e) {
          return;
        }
      }
    }

    void callOnce() {
      long begin = System.nanoTime();
      boolean ok = true;
      try (Connection connection = pool.getConnection()) {
        call(connection);
      } catch (SQLException e) {
        ok = false;
      }
      record(begin, System.nanoTime(), ok);
    }

    private synchronized void record(long begin, long end, boolean ok) {
      ++calls;
      longest = Math.max(longest, end - begin);
      if (!ok) {
        ++failed;
      } else if (mark != 0 && firstOk < 0) {
        firstOk = end - mark;
      }
    }

    synchronized void mark() {
      mark = System.nanoTime();
    }

    String stop() throws InterruptedException {
      stop = true;
      for (Thread thread : threads) thread.join();
      String answer =
          "{\"calls\":" + calls + ",\"failed\":" + failed + ",\"longest_ms\":" + longest / 1_000_000;
      if (firstOk >= 0) answer += ",\"first_ok_ms\":" + firstOk / 1_000_000;
      return answer + "}";
    }
  }
}
