// franz-go's GroupTransactSession with its defaults: one transaction for each poll, over all partitions.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"log"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	frameBytes    = 5
	recordsAPoll  = 10_000
	typeHeader    = "bench.done"
	sourceHeader  = "/sagafleet/default/bench"
	versionHeader = "1.0"
)

// order is decoded into a struct, which is quicker than a map and what a program in Go would do.
type order struct {
	OrderID   string  `avro:"orderId"`
	UserID    string  `avro:"userId"`
	Status    string  `avro:"status"`
	Timestamp int64   `avro:"timestamp"`
	Amount    float64 `avro:"amount"`
	Currency  string  `avro:"currency"`
	City      string  `avro:"city"`
}

type assignment struct {
	brokers, input, output, group string
	schemaID                      uint32
	schema                        avro.Schema
}

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := run(ctx, readAssignment()); err != nil && !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

func readAssignment() assignment {
	brokers, input, output := flag.String("brokers", "", ""), flag.String("input", "", ""), flag.String("output", "", "")
	group, schemaID, schema := flag.String("group", "", ""), flag.Uint("schema-id", 0, ""), flag.String("schema", "", "")
	mode := flag.String("mode", "", "")
	flag.Int("partitions", 0, "")
	flag.Parse()
	if *mode != "exactly-once" {
		log.Fatalf("this peer knows exactly-once only, not %q", *mode)
	}
	return assignment{*brokers, *input, *output, *group, uint32(*schemaID), avro.MustParse(*schema)}
}

func run(ctx context.Context, told assignment) error {
	session, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(told.brokers),
		kgo.DefaultProduceTopic(told.output),
		kgo.TransactionalID(told.group),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ConsumerGroup(told.group),
		kgo.ConsumeTopics(told.input),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.RequireStableFetchOffsets(),
	)
	if err != nil {
		return err
	}
	defer session.Close()
	for {
		if err := workOnce(ctx, session, told); err != nil {
			return err
		}
	}
}

func workOnce(ctx context.Context, session *kgo.GroupTransactSession, told assignment) error {
	fetches := session.PollRecords(ctx, recordsAPoll)
	if err := fetches.Err(); err != nil {
		return err
	}
	if fetches.Empty() {
		return nil
	}
	if err := session.Begin(); err != nil {
		return err
	}
	promise := kgo.AbortingFirstErrPromise(session.Client())
	var failure error
	fetches.EachRecord(func(record *kgo.Record) {
		if failure != nil {
			return
		}
		var output *kgo.Record
		if output, failure = told.outputOf(record); failure == nil {
			session.Produce(ctx, output, promise.Promise())
		}
	})
	if failure != nil {
		return failure
	}
	isCommit := promise.Err() == nil
	_, err := session.End(ctx, kgo.TransactionEndTry(isCommit))
	return err
}

// outputOf checks the schema id, decodes the Avro body, encodes it again and adds the headers of sagafleet's worker.
func (told assignment) outputOf(record *kgo.Record) (*kgo.Record, error) {
	value := record.Value
	if len(value) < frameBytes || value[0] != 0 || binary.BigEndian.Uint32(value[1:]) != told.schemaID {
		return nil, errors.New("a value with another schema")
	}
	var event order
	if err := avro.Unmarshal(told.schema, value[frameBytes:], &event); err != nil {
		return nil, err
	}
	body, err := avro.Marshal(told.schema, event)
	if err != nil {
		return nil, err
	}
	framed := make([]byte, 0, frameBytes+len(body))
	framed = append(append(framed, value[:frameBytes]...), body...)
	return &kgo.Record{Partition: record.Partition, Key: record.Key, Value: framed, Headers: told.headersOf(record)}, nil
}

func (told assignment) headersOf(record *kgo.Record) []kgo.RecordHeader {
	hops := 0
	for _, header := range record.Headers {
		if header.Key == "saga-hops" {
			hops, _ = strconv.Atoi(string(header.Value))
		}
	}
	id := make([]byte, 0, 96)
	id = append(append(id, record.Topic...), '/')
	id = append(strconv.AppendInt(id, int64(record.Partition), 10), '/')
	id = append(strconv.AppendInt(id, record.Offset, 10), '/')
	id = append(strconv.AppendInt(id, record.Timestamp.UnixMilli(), 10), '/')
	id = append(append(id, told.group...), "/done/0"...)
	return []kgo.RecordHeader{
		{Key: "ce_specversion", Value: []byte(versionHeader)},
		{Key: "ce_type", Value: []byte(typeHeader)},
		{Key: "ce_source", Value: []byte(sourceHeader)},
		{Key: "ce_id", Value: id},
		{Key: "saga-hops", Value: strconv.AppendInt(nil, int64(hops+1), 10)},
	}
}
