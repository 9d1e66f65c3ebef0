// pgx's pgxpool as a peer of tests/bench/pool_faults/run, which explains commands and answers.
//
//	pgx_peer URL CONNECTIONS TIMEOUT_SECONDS default|validating
//
// `validating` pings in BeforeAcquire, pgxpool's documented hook for refusing a connection.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

const (
	callSQL     = "SELECT pg_sleep(0.002)"
	mostSamples = 1_000_000
)

var (
	pool        *pgxpool.Pool
	connections int
	timeout     time.Duration
)

func withTimeout() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), timeout)
}

func call() error {
	ctx, cancel := withTimeout()
	defer cancel()
	_, err := pool.Exec(ctx, callSQL)
	return err
}

// warm opens all connections: borrows them at once and calls on each.
func warm() string {
	ctx, cancel := withTimeout()
	defer cancel()
	var borrowed []*pgxpool.Conn
	answer := "{}"
	for i := 0; i < connections; i++ {
		connection, err := pool.Acquire(ctx)
		if err != nil {
			answer = `{"error":"acquire"}`
			break
		}
		borrowed = append(borrowed, connection)
	}
	for _, connection := range borrowed {
		if _, err := connection.Exec(ctx, callSQL); err != nil {
			answer = `{"error":"exec"}`
		}
		connection.Release()
	}
	return answer
}

// load is calls of several goroutines, and how they ended.
type load struct {
	mutex   sync.Mutex
	running sync.WaitGroup
	stopped int32
	calls   int
	failed  int
	longest time.Duration
	mark    time.Time
	firstOK time.Duration
}

func (l *load) start(goroutines int, pause time.Duration) {
	for i := 0; i < goroutines; i++ {
		l.running.Add(1)
		go func() {
			defer l.running.Done()
			for atomic.LoadInt32(&l.stopped) == 0 {
				l.callOnce()
				time.Sleep(pause)
			}
		}()
	}
}

func (l *load) callOnce() {
	begin := time.Now()
	err := call()
	end := time.Now()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.calls++
	if end.Sub(begin) > l.longest {
		l.longest = end.Sub(begin)
	}
	if err != nil {
		l.failed++
	} else if !l.mark.IsZero() && l.firstOK == 0 {
		l.firstOK = end.Sub(l.mark)
	}
}

func (l *load) setMark() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.mark = time.Now()
}

func (l *load) stop() string {
	atomic.StoreInt32(&l.stopped, 1)
	l.running.Wait()
	answer := fmt.Sprintf(`{"calls":%d,"failed":%d,"longest_ms":%d`, l.calls, l.failed,
		l.longest.Milliseconds())
	if l.firstOK > 0 {
		answer += fmt.Sprintf(`,"first_ok_ms":%d`, l.firstOK.Milliseconds())
	}
	return answer + "}"
}

func cycle(goroutines int, duration time.Duration) string {
	samples := make([][]int64, goroutines)
	var running sync.WaitGroup
	end := time.Now().Add(duration)
	for i := range samples {
		running.Add(1)
		go func(mine *[]int64) {
			defer running.Done()
			ctx := context.Background()
			begin := time.Now()
			for begin.Before(end) && len(*mine) < mostSamples {
				connection, err := pool.Acquire(ctx)
				if err != nil {
					panic(err)
				}
				connection.Release()
				after := time.Now()
				*mine = append(*mine, after.Sub(begin).Nanoseconds())
				begin = after
			}
		}(&samples[i])
	}
	running.Wait()
	var all []int64
	for _, mine := range samples {
		all = append(all, mine...)
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	return fmt.Sprintf(`{"p50_ns":%d}`, all[len(all)/2])
}

func serve() {
	var running *load
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		var numbers [2]int
		for i, word := range words[1:] {
			numbers[i], _ = strconv.Atoi(word)
		}
		amount := time.Duration(numbers[1]) * time.Millisecond
		answer := "{}"
		switch words[0] {
		case "warm":
			answer = warm()
		case "calls":
			calls := &load{}
			for i := 0; i < numbers[0]; i++ {
				calls.callOnce()
			}
			answer = calls.stop()
		case "start":
			running = &load{}
			running.start(numbers[0], amount)
		case "mark":
			running.setMark()
		case "stop":
			answer = running.stop()
		case "cycle":
			answer = cycle(numbers[0], amount)
		}
		fmt.Println(answer)
	}
}

func main() {
	config, err := pgxpool.ParseConfig(os.Args[1])
	if err != nil {
		panic(err)
	}
	connections, _ = strconv.Atoi(os.Args[2])
	seconds, _ := strconv.Atoi(os.Args[3])
	timeout = time.Duration(seconds) * time.Second
	config.MaxConns = int32(connections)
	if os.Args[4] == "validating" {
		config.BeforeAcquire = func(ctx context.Context, connection *pgx.Conn) bool {
			return connection.Ping(ctx) == nil
		}
	}
	if pool, err = pgxpool.ConnectConfig(context.Background(), config); err != nil {
		panic(err)
	}
	serve()
}
