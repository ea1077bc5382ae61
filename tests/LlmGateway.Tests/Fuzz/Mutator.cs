using System.Text;

namespace LlmGateway.Tests.Fuzz;

/// <summary>Makes what is nearly right out of what is right: the same in every run with the same seed.</summary>
internal sealed class Mutator(int seed)
{
    private static readonly byte[][] Pieces =
    [
        .. new[]
        {
            "\"", "\\", "\\ud800", "\\udc00", "\\u0000", "{", "}", "[", "]", ",", ":", "null", "true", "false", "1e999", "-1", "-0", "99999999999999999999", "1e3", "0.1", "\u0000", "\u001b", "\uFEFF", "\u2028", "😀",
            "{}", "[]", "[[[[[[[[[[[[[[[[", "\"model\":\"agent:x\",", "\"stream\":true,", "\"messages\":[],", "\"content\":null,", "\"content\":[{\"type\":\"text\"}],", "\n", "\r\n", "\n\n", "data:", "data: ", "event: error\n",
            "data: [DONE]\n\n", ": ping\n\n", "data: {}\n\n", "data: null\n\n", "{\"error\":{\"message\":\"m\"}}", "\"usage\":{\"prompt_tokens\":-1},", "\"finish_reason\":\"stop\"", "\"choices\":[],", "\"index\":2147483648",
        }.Select(Encoding.UTF8.GetBytes), [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf0, 0x9f],
    ];

    private readonly Random _random = new(seed);

    public int Next(int below) => _random.Next(below);

    public byte[] Mutate(byte[] original)
    {
        var bytes = new List<byte>(original);
        for (var times = _random.Next(1, 4); times > 0 && bytes.Count > 0; times--)
        {
            var at = _random.Next(bytes.Count);
            var length = Math.Min(_random.Next(1, 40), bytes.Count - at);
            switch (_random.Next(14))
            {
                case 0:
                    bytes[at] = (byte)_random.Next(256);
                    break;
                case 1:
                    bytes.RemoveRange(at, length);
                    break;
                case 2:
                    bytes.InsertRange(at, bytes.GetRange(at, length));
                    break;
                case 3:
                    bytes.InsertRange(at, Pieces[_random.Next(Pieces.Length)]);
                    break;
                case 4:
                    bytes.RemoveRange(at, length);
                    bytes.InsertRange(at, Pieces[_random.Next(Pieces.Length)]);
                    break;
                case 5:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case >= 7:
                    // In place of a letter or digit another one: mostly still JSON.
                    at = bytes.FindIndex(at, letter => char.IsAsciiLetterOrDigit((char)letter));
                    if (at >= 0)
                    {
                        bytes[at] = (byte)"0123456789abcdefu"[_random.Next(17)];
                    }

                    break;
                default:
                    // Between two marks of JSON something else: mostly still JSON.
                    at = bytes.FindIndex(at, letter => letter is (byte)':' or (byte)',');
                    if (at >= 0)
                    {
                        bytes.InsertRange(at + 1, Pieces[_random.Next(Pieces.Length)]);
                    }

                    break;
            }
        }

        return [.. bytes];
    }
}
