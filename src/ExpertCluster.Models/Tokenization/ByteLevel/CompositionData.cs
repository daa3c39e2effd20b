using System.IO.Compression;

namespace ExpertCluster.Models.Tokenization.ByteLevel;

/// <summary>
/// Canonical decompositions, compositions and combining classes of Unicode 14.0.0. <c>Packed</c> is base64 of deflate of LEB128 numbers:
/// the count of decompositions, then for each the step to its code, twice the first part (plus 1 when it never composes) and the
/// second part or 0, from UnicodeData.txt without Hangul; then the count of runs of one combining class, and step, length, class of each.
/// </summary>
internal static class CompositionData
{
    private const string Packed =
        "bZp5TNzpecd5fzPMMLYXX+u1vU7ibbI5lWu72qSqstut1FY9VKlNV+of/aeRqlRVkqaVoibZ7ma5zH0Nh7kMNh7ABsxtjFnMNRiDsYFhwBzmNMdgxjanMWYxuM/n" +
        "HcbrRP2Dz+/7vu/z3tfzjkg40KLCVIhFEArCQDiIBrEWI1JdsKhYTGIxicUkltQU4lKISyEuReKMM+TNIyGPhDwS8nxx0RZTCQklJJSQUEIp1RI0OUlwkuAkwUkO" +
        "J6lOWnCDFnRh0oVJFyZdpLqJcxPnJs5NC8bIO0HCBAkTJEz44qQFXhK8JHhJ8FLKqgSNVV9/I6gyAhWJikRdRAkiyXYDRJL3BohUUagoVDxKEA06BaZYiuoCsRTV" +
        "BWIx7gKxFNoFYsnRBRIptAckYtwDEjHuAYkMRA9IxsQlMKXQNzdIoSI3SCGbG6RQvBukSAHmNLINgNOUMigwMunRMMgkbhhk0pZhQeAZEsbAGRLGwBlSxwTmPGqb" +
        "AHnUNgHyVBwqzmIqINssKCDbLCgg7ywoIsEDimiQBxRh4gFFmHjARYL3wUWC9xnYEvrrBSVU7gUlVO4FJbJoRMWi4lBxqIsoQTkVLYJqsOpTMvuXactjcJnBfgwu" +
        "U+VjwZfzVA7dyrEEl6C8gi+GkeoEKcAN8sAEKAFecNUk7XsKrppCUaGoeJRODUGFWIxoTDrB7SBBD4jXQYEpkaJ6wGkw6KvtIrUJBqxiNwgWLZJQsCeemZY5SqRH" +
        "PeyyMyz+Mb2TaUEXiAe3QSVYNulTIIluJaHsKDtLNIklmoSyo+x0OolOJ6HsKDsNSqJBSSg7ys6cJzHnSSg7ys7gJDE4SSg7ys6cFzHnRcx0ETNdZDEl00uXwBrG" +
        "fDh9G0efB4JLDM5DUAK8Jr0So6hXMMb4TYBqFsiqIMEI3RegwvcFGBfka98Xavn+2p6APb8OsLoM6fn5YMGSEaBKEOWgWmA0gS6CbpC2P9TyenWwrJkuME2cFyyC" +
        "VXAak1VSY/cLdoiL3c9ZKQgsQBVIwrdLDnAkHpCDq+hAqMUcLyrw8gGmg4QbByIteysFbywLjnqJ82LswfjSQTF+jPEyCZEHIy3H7h9kXAV/e0lyqIeC4HOoKXBO" +
        "8oriKCboFZgqD3MKg0ukPgTlYBG7ygMRFB9Bg6JRgmvgGakusrnBXeKypUHS5gjaEoGKRum4OJSgh7hEiTMNok6LKjZ6jvXvUz3HBvap5OMDqDv7VJqobFVyYmCf" +
        "ESY4WCAYNLvevHYoaEpg8gjeLBWoMlAB6kEbaAdDYFLw88SvNx1WiV8fOnyg7WvXDqt2gTEp+GDuG9deNa0IvlImUBWgnrghgVclfmfwNVPid5peEzX02oG2b197" +
        "TbULfljw3aGjP4j/XtNRlQjivzd09KP4twaP/Wbnj+8ct8a/fee4in978LgR/7bzuEqT4Cfx7zS9rhJB/DtDryeq6h92nTCqf9h7Ql0VJcHJE3PGqXfrTu7JEgQ6" +
        "QBmoE7wS+m7tyT0z765+yZh59/GX1Nx7ISeNeYFt5t2Qk4cK35Ns9YLANtANhgSv5L9Xe/IXXe+XvzF1JPbntT8wEkEKOA2yBebzgm8+JvhUYHomUDsEI35R+4PG" +
        "wDBVyLYTRLCnroMI5UA5UFUoQSInRw+IxqQTRGPSCaIx6QTR7NtOEK3KUIICsyzfIlBg5j4waz+jjE1ehqpECVxB3GsgnuJv++5ETkqQTNAFkqnSBZI52F0gmSpd" +
        "vruzHFXOsVXJsSXIo+ET4DTH5aDSyoFyoKpQVVyMDi5GwcPfcNSCTBKGfallKEE2BdwF2TToLsgm211wRp9O4AzBMV9cFaoKVYYq41DjYAElpmiUIDNQhikbZAZS" +
        "PDhHRVNKqyhUFEdtFEetVg6U4PJvpblXQAEVzYIiTDygCBOPtguU4BXQApzg+m/xdMBFjO8rrRwoB6oKVYUqQ9F6VcDBXoCqRFWiylACFw13g4FA6dYguMSN/hBc" +
        "0kMMyrmvFkE5HVwE5UzoIiinGYugHONFUElwGVRisuzzMqO4APSNHsaNHoZyoOgvDX8MXL5+6OJjySHu5450X7aBg23g4E6MQQkimJnrIIIr/DqIMMWgdGo4StDy" +
        "IT4tiGBlR4IIVnskiDDHoMhhDkfpHLifH2p30cHid6BiUDGocJQgjcoHQBqVD4A0Kh8AaVQ+AJapfPVD7aXHsORjUA6UgxvTwY2pVQxKcJFC74OLFHofXKTQ+yad" +
        "Go4SZP6vFJoNWiy476DFgjcPWiyMFWix4NKDFgsjCUqo0qu0ikFROQVMgQkKmAITFDBl0anhKLx5CpgC1ayNVVBNUatKx8WgYlDhqHCLdTo4las6zaJCPuK9A0I+" +
        "wt0BIR85UU58gFQgdsmYpIBkTFJAMiYpwIudF7tzmJwH5zA5LzCVkFpCaiUJ1aCS1GpSF0ldJLWFBCdoIdUJWijeCcqxK8fOhYkbuDBxAxcmbrCK3Sp2U5hMgylM" +
        "psEUJtOgGrtq7JYxWQXLmKyCZV0U2MFuR4/Vx4wVCPmYsRKYmkht0iNEQgpIJjWF1Nj9qbg6jAsJ58E5Us+Dcx8zxAJxp9IsRrWkCkIBA0veFPK2kM0JWsjmBC2Y" +
        "OIGbFrj1uGDiBi5M3MClTcB0sCSMBAfIPIkYFbGIGBexipgUsYPI2h8gbRaRIyIFkbs/wBTyUTuLQhABIkE0iAXxIBEkgxSQBk6DTJANzoA80AKc4Dq4ATpBF7gN" +
        "eoALuMEAGATD4C4YAxO6vI8pD1wHN0An6AK3QQ9wATcYAINgGNwFY2ACTAdHArkfpnxB7ATGdLAM5sPftbMxIkEEkFFKkAE8j8VacIDJZYjVfXIuknOM+EVyxn/S" +
        "zmYQe7vYlyNStZDond+FgFCgV3IkiMDJloR8KXaVItL26+UbCXDoKSM9OMB49omIZ5+EAifrjjNzfwQOuCTck1rCWFNhrKlYyjgNuiioi4K6KChXzJx6NRkSipNQ" +
        "qwowPaUnKfuZQYGRQsaH9KRJrxixciPOaiHRC0aA6VSIClBRgkKjPzjAnCGhOFPAL89Fqqty6cLDF+HJc1HEXNQsgO9ERgsDk6HpNDx2Axpd8MRTHR8ZA2OhkQyP" +
        "fijKidqbDdVv5O8j+evUoS5tP6u1R+uHWi9C62Otn+j4iFh0JDTFa50Iv3Jda5emW3MQvvVU5/1M87yOL4DWWa09mvc1vfBH9hYZilRB9f6GUolY3nO6VWX9xMjW" +
        "zNM8r1mkWaJZrlmteUXzU80mTSc0dWp9W9MFrRNQCbN/YsxqPau1V2uv1staL2v9ROsn6KPx6D2fOoXBg9C4qzmhOa3p0fRqLmquaj7R/ExzRzOsjRZGQyNeMxla" +
        "86ASSu0FWhdoXaJ1idaVWldqfUXrK+ijtynZNKFjpjSnNWeh+TMYlmyyV5kD1EKOKUClN4iy1wgcDRKcuyrP21u9gvod8y4ccxJ0dIhKGhRlJ/goSoz7RwRxO4Ln" +
        "mZK6nidYcQjOOgWnLkpC3WVBTZugsVewlSwJd9oFM/OYfCpFPegWxFzCuFMwSlGNTwX565Iw1CxxORkSvFkoSJX9oqqiRDWfE6RviUnFGYm7UyvYvCXIbZOEhCZJ" +
        "WLohaLxF8amScKFUkE8dvaOC8BDsqK0+SzBZJ5gbQz2iMxuCrGn6NidofSJITZK4mNuC55uCslKaMUPxzwStK2KyHSpx7TcZ2BnBKQZ2aVRQhV37iuAC41JbJzh7" +
        "TTD5WLD0VJAxInaFNDcjjFZ1iMoC9fcpmRbM0IIH2IWWM86Mhh7nbdqyxuT18gNFYYjEJfUI7t0RVNyWuA0a9Jxx6d8R5GCcVSNxK+mCdpoRxcQ33hOEj9FfO7NV" +
        "wmiUU1QTS6Wa2qj3VpwEWxNR1DHOXPa3C1Jpc/h5xnmNDsbQLdp3ljX0gA6e6hPMs5BGmMG4DAplpu/MsgQGqXdBUPGZIHdLUNcldgms2KUymtvIAt6UuPxICYZG" +
        "M6Ypgg7GNLUduJmFecHCBs1gZrqvCcZTBR0tLJ9u6uiUUjoofsvN8maxnnL4e55K+x48Z/wS6CUDsb1sYtkKbjZIwtqof9jXnzBbjP0cY9/fR6vYHwlUvtApeMRi" +
        "sI+zIqYEGczHuIdG3mD33BW0hZOD4axtI5WSny8Lak77pzu3A8X226Qzm62CHPaqPZtGDtNwerSRK8H5s6x29kf9p4yLiy3JlA3dY0Mw8Y33JMcokzfOSK6wwoZa" +
        "qPKx4A6L9Q5Dl8HKiTnFkjrnX2EJtLmfQTzr4vDQazyTRlJ5H+vgFsssgXrbhwRr2yx+hrgNZLEs2hmX56zTdRrZQFH59LKKaVznAOigoooVNh3LoiKPPUPT+jgP" +
        "Mh6wTR8KCldZERwFNU4KKGO7MFGP4lnKtDQJdH9GS1nKZazTuEUWP+fVAoO4QX+z8hlYRiOjSHCBxRDKMIUOyXVeKzvFWMgyBZgaWfJ3brPgOFo2WcWNnBu3wFnm" +
        "t4w536ZpW7IijEI5eIwV2RWmFVbilhxa5skZ5hL0zbJennAScpot0fNxlkovKyJH7zL20U3g4ABt4GhOGBb0jdA+NnHfNCbMxzgoDmOsmLxc9swcR/hZvffZfg46" +
        "HcdsLbFUaq+SwGYaZzMNcWy2M4MOzsRtOphK3+wgH5SBBpBDf3NB6AJLz4ta8m/EVM668E1awDqI4xgeZQbXYvyo4ODJL+CMZdjDL5EALnCe2i+zjziM9NB16JUz" +
        "KdhgRz0Ipc1xh2Tio2V0uznmHnAR9Ol5YxDjtCIuifFbv+Ufv9I7LHlU+xDbj0GcZxBjOKqKQfsCRT3kjGUx1ID+bcEoW6OKrZvLENsj/OPceso/2AvsrZgkNmIy" +
        "69TOqDEBrCHfNVYHytg4axxz+tzVW7eO2zmjwT8pjS3+memd4DBieia7TLuLcIaDJ2GAVQwahgXNw/7VWQcWQPo4MwOyuBxmXkzUBndZ3bp/yraf+SeqMIELklto" +
        "LZeZ4U5OKPJP1HNOTBa1yij1z5u+mUZL/TOYXu6fwRU22BwnVw1H36ObLP4R/4Tq7VI36Z/ajCn//BY+9Psl6fkHZThBaa+gYVF8yKoQDmSQelOWQP7aIXbtYbna" +
        "trlJJNtf1By9vNeYO1q3d2//0da9qv+oc69KfWRt1RSdL0mCq+DaXuUAheACKAaloExgVKFqQC2oA/UkNIJWgm2oDtRNVDeqF/SBfnDHV2g9tTVTSjPGzXtvf6va" +
        "GfRpvtm4oj/7u/QnXE1fD7pw3qxm9eeMObE7qKnIrOQzVGReMlbdQZ8Wm5V8KovNhBqLzc/U8mBQRanE6s+2xTsbVFltLlo2KtqD585bVZXv09wevOj7LPk+y77P" +
        "iu+zet76z2s3tOW677NxQ2fY9H0ktOQLyafltnmL3bcCwuvZPBEHZD80GruH2QY4xTWz3specvoPuLOg0S3zuZ55YPe8KwY3wRKoT5OENUx6CeawmzPSJa4CdRNk" +
        "ceaP3PDv/+aOV0VxUEdx+jf3S94NVMJNwRxYAqUDavdg+PyI1UdEHLdTAtD+VGq3/+ytBfNgCzz/fYxclFbda2W74V41g44yiRtCzYAEl+4vY4Wy4x31gXbiHvVz" +
        "Fw5wWXE+dYCYQT/0cTUE5sEpDq6yMf9lUIFycCMsjPjvvXFc0dxJ4kDOFEM3wRigZsCIvjn6pZFzGC+BhFm6Cto1OA377orJnVHByLwE6+4zg6CKYDdn5fioDOcm" +
        "sHNqbr+AfV6yReHcVC35Hah5HXwoCc9RCXg9Fzhd21HhEwo323+fha7R+lVaukFRPBe6UeP64QA2QdsGBYDJKSlgC9X3lNkC/TiR7fd4mEfKKbKJuodnMA8eAf3K" +
        "KEw8Ig1HzcQf3EV4NJ4Lzr9G0ozkXemShNooOXLaafgQ6CChVnvdeJIVYA2EcyWvz0pqPdA3dHGOFJDERWLn5sg65b9StFr//P4GN8EkaIzyXzP6bZbPXVMHGmI4" +
        "2mMpGV8nHzc265LUsRWPq0JcH3FRuPI3uZ1mKiS1nSsqjmA/CeP3pX393FjboAFfewk1sqB23YgRkN4ieTtwKFZw1lO52Woeql3/wo66+UBQyJYsBaFcefWkjvLs" +
        "qUkyXr4L20AjF+KFXP1CkeJTH3Ey4NXG4QMW5vs9l9E+Sc1FNeOeFheYdq+FU4U8DYq4Hy/Q3xKCd8W4jjdh1bKYtPEC7Z2WuGJu3twViZtDNZf7L+INkOMVk4zH" +
        "sszWH1BbFYO4Kuo5L6McPN1e4srwJLcv+/0pfYn3gxUQd4VuPZZsC5hM4m2N1+OsP1a793wScGyJyRpO7ngjObapckeQwGtprcXvCtSBsieSN52TZgssgVFc4Fsc" +
        "lnF4Cx0xciHW38CjSxTV1+l3HvJ5s9ozJS4UN6IUPDgjweJzgnUeOxl4+yOfSR23UCsojSTcjfo+v+MRpx9e/bTqGdONC/KoUkrZRhVWH9p9lTaz3/JxS9qaJG4F" +
        "xLQKNp9zWnCJay9lvk3i5kDNdcE8aOR92vwC2pHR137GhH5ucQiG4da5xDiXd45+y2s3pyOcg2L40K7LWntXVNzooV0/fYgX42SEseu8poOzYHNOTHq9fozz3jgV" +
        "zRZflGACblMq6CUudFXiCnlWtMZy3KA6QCjPrYQdSe3AvQqP59zAxzqFWxyHW7xAXF+0nCBJMYKaBE75OFHr+Mvb8aJKeVSuP/d7ZbWpEteRJmjlodl3WtQ9VHM3" +
        "3hE7ao69FRWBK5XMCYx64OXczRPjB+BCjxjX9/jPtRjQiJs9ZOcSiSUvaADzPC9ntAJboJtfBDYvHd79baCB51YHDuNoIorgFqo3ye/jXyA1nWAWqAePKqWAoVp6" +
        "WYNKoyJeufOgLI0cvZJwM13UyDVRDemc8mCmSYKFbWQjmJ/l/3WnF/RrZOtnMt7gGU7vHL8v20dwCJXAD1kVGRR6FjeWX5rWCLbyHOwAvSNSRwWv10bwIBMnAbWB" +
        "SzI+Landc4LtbOY3h7wlfj9Yu8Cl/ALXt0pLq6mDh00dbvFSLR72M0mIOXeABy5jekVwr07XJnHFDX73uTBDfJpRUMxPbjM8Fh3XeSyekbg61Aq/OlTc4gcHsImb" +
        "vdZLC1y8hivELoPfW0qLuOgHdQskrvsCjhKe+Bw/anTww1hcuyTUdgrGi7kbQSveebpL4uZK2HTuV3eddY1+8GhQ4tp51s5f4sLlbdvr4ec/fgPcBrkVknDv4au7" +
        "7n0oj/ytNRJqeFqB3nWC4XIJrxCMixCVG32EhSnY4BeBslruVX4t2gZxz/jNCZSBDRCaeSRgxwixHPGoI+q+UuYxZearhpUKHFOBRpcyiOO7d0ztDVSBBIM8Kkgt" +
        "i5lHKdOYMpk8ymTsfnUREk8xEmdovSDaK/ql7ysedc4I9KhEQ41JxR7JJV9KUBOSQ7TFoyyWMWUxPErb6C9ps76a1R6l9iq1T8pSKlip/UodUOqgUoeUcdhQryrp" +
        "k3rNUEcNdUyp476W0KJDf6M78CWlTir1xlvqhFJfUOqLyh+j1B8p9WVdHz2QRga+qH9MKvjKT60eZfM3WdF5mv25yZvqzZO7tamXW89YEf9iXPw9Htvt0f/zlXzn" +
        "ldRn3Y3cI9/jUnegTbRkNkvzvi8F/5l/MiTtuzSZ+Qv2yKj8QSP8lerG+LtueqkDu33+c2U9KL18qR3/oWPekpj3tPrlSwxRfhWkPlDqX36q9X8atkPK9jHi3w1l" +
        "Czb/7L+M/9Hiw3+Qar6op4O/YfUnKlQqChMdoSzmMMX/Dhi6vTY+74vZfyurYdg+EOUKlAbXWQ3bG8qWJzXvlTbdZmEkK71CfG0e84u/VrYjQb6he4uheWlV6d7+" +
        "4UybdV8PKNvX/b2XCXjXsP1IWfcZtr9U1iwGzKx2N4nHt0nE1rDKihyTuZJUie58MeD+CdRhr2Qc3J3lLqW+6lFf1btl1mer7u72YOH3VkKfrsiQuqRwk15zFl3P" +
        "52tJr60XjXl+VBopA2L7yRse1WXWxc76NiaDZEypnxlBgw/IFbjHo74lBf5Y/k7LiH9N2TIl4xcOedTfyTr5hrL9q7K+omzLGBu7naIFVr3yPeodZduQDFUyGa+H" +
        "WeitdUwn9tLtGVp3WsnwZryifGv/m7rNutmBylbk72STWXoXRck5epe8vDukW+/8we5olTq/pWz7le1PlU1G+a/E/m3D9r6y/r2y7VHWn+nYGvkTw380rLIYj0vj" +
        "9khL3IrFbT0mJf2btnqm9OcTZfu1Fr9SNjmbUOGy6izKmisGHyjbYWX7sbTYpGzhhl6Q/6RsI9nSi/el5BabYSnPkrZ1fNMYlubLFE3LKhlWrwSN6WoDpVdvSB8z" +
        "WUFNJyRL0EGPOsyXoRSLWEMCO4zRe2I3u1cG8lcchcr6fw==";

    private static readonly (int Start, int End, byte Class)[] Classes;

#pragma warning disable CA1810 // Four tables come out of one pass over the packed data.
    static CompositionData()
    {
        using var unpacked = new DeflateStream(new MemoryStream(Convert.FromBase64String(Packed)), CompressionMode.Decompress);
        int count = Next(unpacked), code = 0;
        for (int i = 0; i < count; i++)
        {
            code += Next(unpacked);
            int flagged = Next(unpacked), second = Next(unpacked), first = flagged >> 1;
            Decompositions.Add(code, (first, second));
            if ((flagged & 1) == 0) Compositions.Add((first, second), code);
        }

        Classes = new (int, int, byte)[Next(unpacked)];
        int start = 0;
        for (int i = 0; i < Classes.Length; i++)
        {
            start += Next(unpacked);
            Classes[i] = (start, start + Next(unpacked), (byte)Next(unpacked));
        }
    }
#pragma warning restore CA1810

    /// <summary>One step of decomposition; the second part is 0 when there is none.</summary>
    public static Dictionary<int, (int First, int Second)> Decompositions { get; } = [];

    public static Dictionary<(int First, int Second), int> Compositions { get; } = [];

    /// <summary>Canonical combining class, 0 for a starter.</summary>
    public static int ClassOf(int code)
    {
        int low = 0, high = Classes.Length;
        if (code < 0x300) return 0;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (Classes[middle].End <= code) low = middle + 1;
            else high = middle;
        }

        return low < Classes.Length && Classes[low].Start <= code ? Classes[low].Class : 0;
    }

    private static int Next(Stream stream)
    {
        int value = 0;
        for (int shift = 0; ; shift += 7)
        {
            int part = stream.ReadByte();
            value |= (part & 127) << shift;
            if (part < 128) return value;
        }
    }
}
