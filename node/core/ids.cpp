#include "node/core/ids.h"

namespace mig::core {

ActionId action_id_of(BytesView canonical_document) { return *ActionId::from(blake2b(canonical_document, 32)); }
ActionKey key_of(const ActionId& id) { return *ActionKey::from(id.view().substr(0, 16)); }
Hash hash_of(BytesView bytes) { return *Hash::from(blake2b(bytes, 32)); }
NodeId node_id_of(const SignPublic& key) { return *NodeId::from(blake2b(key.view(), 16)); }

}  // namespace mig::core
