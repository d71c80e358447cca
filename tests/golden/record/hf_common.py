"""How transformers computes what is recorded: float32, eager attention, one thread."""
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

# One thread: the order of float32 additions, and with it every bit, is the same in every run.
torch.set_num_threads(1)
torch.set_grad_enabled(False)


def load_model(folder):
    """A model as transformers computes it: float32, eager attention."""
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")


def encode(folder, bos, text):
    """Ids of a text as the tests have them: the model's bos token, then the text's own."""
    return [bos] + Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text, add_special_tokens=False).ids


def greedy(model, ids, tokens):
    """The next `tokens` ids of greedy decoding with end-of-sequence forbidden."""
    out = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), do_sample=False,
                         max_new_tokens=tokens, min_new_tokens=tokens, pad_token_id=0)
    return out[0].tolist()[len(ids):]
