#!/bin/sh
# topics.sh [BROKER [REPLICAS]]: make the topics of topics.conf on a broker, and give those that exist its retention.
# Safe to run again; partitions of a topic that exists stay as they are.
set -eu
broker=${1:-127.0.0.1:9092}
replicas=${2:-1}
here=$(cd "$(dirname "$0")" && pwd)
tools=${KAFKA_TOOLS:-/opt/kafka/bin}

sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$here/topics.conf" | while read -r topic partitions retention; do
    "$tools/kafka-topics.sh" --bootstrap-server "$broker" --create --if-not-exists --topic "$topic" \
        --partitions "$partitions" --replication-factor "$replicas" \
        --config "$retention" --config max.message.bytes=10485760 --config compression.type=producer </dev/null
    "$tools/kafka-configs.sh" --bootstrap-server "$broker" --alter --entity-type topics --entity-name "$topic" \
        --add-config "$retention" </dev/null
done
