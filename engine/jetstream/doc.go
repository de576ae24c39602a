// Package jetstream is the log and the live push of the cluster, over NATS.
//
// The truth about events is the outbox, the redo log of who commits: a change
// is acknowledged when its row there is, and only then handed to the relay
// here ([Engine.Publish]). So a stream may lose what it likes. What it lost is
// a number that does not arrive, and that is read from the outbox again
// ([Options.Missing]).
//
//	<stream>.<partition>    events by the hash of their key; one message holds
//	                        what one change has for one partition
//	live.<stream>.<topic>   the hub, core NATS, stored nowhere
//
// # Names
//
// A change is numbered by its writer: (node, epoch, sequence), where an
// epoch's sequences begin at 1 and have no holes for long. It is the id NATS
// drops repeats by, for two minutes; later ones come twice, which does no harm.
//
// A partition is handed out in the stream's order. That is the order of
// publishing for what one process publishes, except that a message which
// failed and is sent again comes after those sent meanwhile. A batch's Turn
// tells the place: Mark.Stream is the stream's incarnation, Mark.Number the
// sequence in it of the batch's last message.
//
// # Owners
//
// Each (group, partition) has one owner, by a claim that is renewed; others
// take it over once it stood unchanged for ten seconds of their own monotonic
// clock, and its owner stops two seconds before. Each ownership has an epoch
// and a durable pull consumer named after it: who takes over begins a consumer
// where the former's acknowledged ones end and deletes the former's. So what
// was out comes again at once, and an acknowledgement by one who lost his
// claim reaches nobody. Acknowledgements are of the kind "all up to here",
// sent as the oldest batch that is out gets done, and repeated until answered.
// Those who consume hear of each other over core NATS and own equal shares.
//
// What a consumer sends and a broken connection loses is noticed by its
// numbers, or, where it was the last there is, by asking the consumer how far
// it is; it is read from the stream.
//
// Whatever else only one process may do ([Engine.Own]) is owned in the same way.
//
// # Holes
//
// A partition cannot see that a number is missing: the next one may lie in
// another. So one of the consuming processes, by a claim too, is the keeper. It
// reads the ids of all messages (never their bodies), knows which numbers of
// each (node, epoch) came and up to where every group has handled them, and
// publishes again what did not come. Its floors, the numbers below which all
// is handled, are claims and survive the stream: where the stream is gone, it
// is created again and filled from the floors on.
//
// # Hub
//
// Live messages are as best effort as core NATS is; they come in the order of
// their publisher or not at all. Who must know of a loss numbers its own, as
// engine/cached does, and may look at [Engine.Generation].
package jetstream
