#!/bin/bash
# disk.sh ROOT ESP DISK NAME → the file DISK, sparse: GPT, a partition with the directory ESP for the firmware, and one
# with ROOT. No loop device, no mount. Identifiers of partitions and file systems follow from NAME.
set -euo pipefail
root=$1 esp=$2 disk=$3 name=$4
mib=$((1 << 20)) esp_mib=256

id() { sha256sum <<<"$name $1" | sed -E 's/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/\1-\2-\3-\4-\5/'; }
esp_id=$(id file-allocation-table)

# What it holds, as much again for the first updates, a tenth for ext4 itself; the rest of a disk is taken at boot.
used_mib=$(du -s --apparent-size -B "$mib" "$root" | cut -f1)
root_mib=$(((used_mib * 11 / 10 + 512 + 255) / 256 * 256))
truncate -s "$((1 + esp_mib + root_mib + 1))M" "$disk"
sfdisk --quiet "$disk" <<END
label: gpt
label-id: $(id disk)
start=1MiB, size=${esp_mib}MiB, type=U, uuid=$(id esp), name=esp
start=$((1 + esp_mib))MiB, size=${root_mib}MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid=$(id root), name=root
END

mkfs.vfat -F 32 -s 4 -n EXOD-ESP -i "${esp_id:0:8}" --invariant --offset $((mib / 512)) "$disk" $((esp_mib * 1024)) >/dev/null
find "$esp" -exec touch -d "@${SOURCE_DATE_EPOCH:-0}" {} +
mcopy -s -m -i "$disk@@$mib" "$esp"/* ::
E2FSPROGS_FAKE_TIME=${SOURCE_DATE_EPOCH:-0} mkfs.ext4 -q -F -L exod-root -U "$(id ext4)" \
    -E "offset=$(((1 + esp_mib) * mib)),lazy_itable_init=0,hash_seed=$(id hash)" -d "$root" "$disk" "${root_mib}M"
